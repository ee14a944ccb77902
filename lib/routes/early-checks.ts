import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import { refusalHeaders } from '../tokens/challenge.js';
import type { PublicUrls } from '../options/public-urls.js';
import { type RouteName, formRoutes, routeNames } from '../options/resolve-routes.js';
import { ANSWER_HEADERS, PUBLIC_HEADERS, UNCACHED_HEADERS } from './answers.js';
import { checkSize, readForm } from './form-body.js';
import type { DocumentSource, WellKnownDocuments } from './well-known-documents.js';

const BODY_HEADERS = ['content-type', 'content-length', 'transfer-encoding'];

/** Finds our route by path. Paths are known only once the host has set its global prefix, so they are read late. */
class OwnPaths {
  #routes: Map<string, RouteName> | undefined;

  constructor(private readonly urls: PublicUrls) {}

  /** As lenient as Express's router: case and a trailing slash do not count. */
  routeAt(path: string): RouteName | undefined {
    this.#routes ??= new Map(
      routeNames.flatMap((name): [string, RouteName][] => {
        const own = this.urls.path(name);
        return own === undefined ? [] : [[own.toLowerCase(), name]];
      }),
    );
    return this.#routes.get(path.toLowerCase().replace(/\/$/, ''));
  }
}

interface ExpressLike {
  use(
    handler: (
      request: IncomingMessage & { body?: unknown },
      response: ServerResponse,
      next: () => void,
    ) => Promise<void>,
  ): void;
}

interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (
      request: { url: string; raw: IncomingMessage; routeOptions: { url?: string } },
      reply: {
        headers(headers: Readonly<Record<string, string>>): void;
        code(status: number): { send(body: unknown): unknown };
      },
    ) => Promise<unknown>,
  ): void;
}

/** The path of a request target, also in absolute form (RFC 9112 §3.2.2). */
function pathOf(target: string | undefined): string {
  const [path = ''] = (target ?? '')
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
    .split(/[?#]/, 1);
  return path.replaceAll('\\', '/'); // as Express reads it
}

/** Reads the form where the route takes one, and nothing elsewhere; what is wrong with it comes back. */
async function bodyProblem(
  route: RouteName,
  request: IncomingMessage,
): Promise<OAuthError | undefined> {
  try {
    if (formRoutes.includes(route)) await readForm(request);
    else checkSize(request);
    return undefined;
  } catch (error) {
    if (error instanceof OAuthError) return error;
    return new OAuthError('invalid_request', 'The request ended before its body did');
  }
}

/** Nothing is cached before it is known to be a public document: its own handler says that. */
function headersOf(route: RouteName): Readonly<Record<string, string>> {
  return route === 'jwks' ? UNCACHED_HEADERS : ANSWER_HEADERS;
}

/** An answer that is ready to be sent. */
interface ReadyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

async function answerOf(source: DocumentSource, request: IncomingMessage): Promise<ReadyAnswer> {
  try {
    checkSize(request);
    return { status: 200, headers: PUBLIC_HEADERS, body: await source() };
  } catch (error) {
    const refusal =
      error instanceof OAuthError
        ? error
        : new OAuthError('server_error', 'The document cannot be made', { status: 500 });
    const headers = { ...ANSWER_HEADERS, ...Object.fromEntries(refusalHeaders(refusal)) };
    return { status: refusal.getStatus(), headers, body: refusal.getResponse() };
  }
}

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Bodies of other methods at our paths are the host's, if anybody's. */
function isOurs(route: RouteName, { method }: IncomingMessage): boolean {
  if (formRoutes.includes(route)) return method === 'POST';
  return method === 'GET' || method === 'HEAD';
}

function sendOnNode(response: ServerResponse, { status, headers, body }: ReadyAnswer): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}

function onExpress(express: ExpressLike, paths: OwnPaths): void {
  express.use(async (request, response, next) => {
    const route = paths.routeAt(pathOf(request.url));
    if (route === undefined) return next();
    for (const [name, value] of Object.entries(headersOf(route))) response.setHeader(name, value);
    if (!isOurs(route, request)) return next();
    if (request.body !== undefined) return next(); // a serverless platform has read it; formOf looks at its type
    const problem = await bodyProblem(route, request);
    if (problem === undefined) {
      delete request.headers['content-type']; // so that no parser looks at what is left of a body
      return next();
    }
    const headers = { Connection: 'close' }; // the rest of the body is not read
    sendOnNode(response, { status: problem.getStatus(), headers, body: problem.getResponse() });
  });
}

function onFastify(fastify: FastifyLike, paths: OwnPaths, documents: WellKnownDocuments): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const { raw } = request;
    const path = pathOf(request.url);
    const document = isReading(raw) ? documents.at(path) : undefined;
    if (document !== undefined) {
      const { status, headers, body } = await answerOf(document, raw);
      reply.headers(headers);
      return reply.code(status).send(body);
    }
    const route = paths.routeAt(request.routeOptions.url ?? path);
    if (route === undefined) return undefined;
    reply.headers(headersOf(route));
    if (!isOurs(route, raw)) return undefined;
    const problem = await bodyProblem(route, raw);
    if (problem !== undefined) {
      reply.headers({ Connection: 'close' });
      return reply.code(problem.getStatus()).send(problem.getResponse());
    }
    for (const name of BODY_HEADERS) delete raw.headers[name]; // so that Fastify finds nothing to parse
    return undefined;
  });
}

function documentsOnExpress(express: ExpressLike, documents: WellKnownDocuments): void {
  express.use(async (request, response, next) => {
    const document = isReading(request) ? documents.at(pathOf(request.url)) : undefined;
    if (document === undefined) return next();
    return sendOnNode(response, await answerOf(document, request));
  });
}

/**
 * Answers the well-known documents ahead of the host's routes, and behind its own middleware (CORS). To be called between the
 * two: in a module's `configure()`. On Fastify the hook of the early checks answers them, which runs behind that of CORS.
 */
export function installDocuments(
  { httpAdapter }: HttpAdapterHost,
  documents: WellKnownDocuments,
): void {
  if (!httpAdapter || httpAdapter.getType() === 'fastify') return;
  documentsOnExpress(httpAdapter, documents);
}

/**
 * Puts our headers, the reading of our forms ahead of everything else on our paths. To be called before the host's parsers are
 * registered: in a module's constructor.
 *
 * @returns whether there was an HTTP adapter to install them on.
 */
export function installEarlyChecks(
  { httpAdapter }: HttpAdapterHost,
  urls: PublicUrls,
  documents: WellKnownDocuments,
): boolean {
  if (!httpAdapter) return false; // an application context
  const paths = new OwnPaths(urls);
  if (httpAdapter.getType() === 'fastify') {
    onFastify(httpAdapter.getInstance<FastifyLike>(), paths, documents);
  } else {
    onExpress(httpAdapter, paths);
  }
  return true;
}
