import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import type { PublicUrls } from '../options/public-urls.js';
import { type RouteName, formRoutes, routeNames } from '../options/resolve-routes.js';
import { ANSWER_HEADERS } from './answers.js';
import { checkSize, readForm } from './form-body.js';

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

/** Bodies of other methods at our paths are the host's, if anybody's. */
function isOurs(route: RouteName, { method }: IncomingMessage): boolean {
  if (formRoutes.includes(route)) return method === 'POST';
  return method === 'GET' || method === 'HEAD';
}

function onExpress(express: ExpressLike, paths: OwnPaths): void {
  express.use(async (request, response, next) => {
    const route = paths.routeAt(pathOf(request.url));
    if (route === undefined) return next();
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) response.setHeader(name, value);
    if (!isOurs(route, request)) return next();
    if (request.body !== undefined) return next(); // a serverless platform has read it; formOf looks at its type
    const problem = await bodyProblem(route, request);
    if (problem === undefined) {
      delete request.headers['content-type']; // so that no parser looks at what is left of a body
      return next();
    }
    response.statusCode = problem.getStatus();
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Connection', 'close'); // the rest of the body is not read
    response.end(JSON.stringify(problem.getResponse()));
  });
}

function onFastify(fastify: FastifyLike, paths: OwnPaths): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const { raw } = request;
    const route = paths.routeAt(request.routeOptions.url ?? pathOf(request.url));
    if (route === undefined) return undefined;
    reply.headers(ANSWER_HEADERS);
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

/**
 * Puts our headers, and the reading of our forms, ahead of everything else on our routes. To be called before the host's
 * parsers are registered: in a module's constructor.
 *
 * @returns whether there was an HTTP adapter to install them on.
 */
export function installEarlyChecks({ httpAdapter }: HttpAdapterHost, urls: PublicUrls): boolean {
  if (!httpAdapter) return false; // an application context
  const paths = new OwnPaths(urls);
  if (httpAdapter.getType() === 'fastify') {
    onFastify(httpAdapter.getInstance<FastifyLike>(), paths);
  } else {
    onExpress(httpAdapter, paths);
  }
  return true;
}
