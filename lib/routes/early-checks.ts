import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import type { PublicUrls } from '../options/public-urls.js';
import { type RouteName, routeNames } from '../options/resolve-routes.js';
import { FORM_ROUTES } from './create-controllers.js';

const MAX_BODY_BYTES = 64 * 1024;

/** On every answer of our routes, errors included (RFC 9700 §4.2.4, §4.16; RFC 6749 §5.1). */
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
};

type Headers = IncomingMessage['headers'];

/** Refuses a body that is no form or too large, ahead of the host's parsers, whose errors would not be ours. */
function bodyProblem(method: string | undefined, headers: Headers): OAuthError | undefined {
  if (method !== 'POST') return undefined;
  const length = Number(headers['content-length'] ?? 0);
  if (length > MAX_BODY_BYTES) {
    return new OAuthError('invalid_request', 'The request body is too large', { status: 413 });
  }
  const isEmpty = length === 0 && headers['transfer-encoding'] === undefined;
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';');
  if (isEmpty || mediaType.trim().toLowerCase() === 'application/x-www-form-urlencoded') {
    return undefined;
  }
  return new OAuthError('invalid_request', 'Send application/x-www-form-urlencoded');
}

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
      request: IncomingMessage & { originalUrl?: string },
      response: ServerResponse,
      next: () => void,
    ) => void,
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
      done: () => void,
    ) => void,
  ): void;
}

function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0] ?? '';
}

function onExpress(express: ExpressLike, paths: OwnPaths): void {
  express.use((request, response, next) => {
    const route = paths.routeAt(pathOf(request.originalUrl ?? request.url));
    if (route === undefined) return next();
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const problem = FORM_ROUTES.includes(route)
      ? bodyProblem(request.method, request.headers)
      : undefined;
    if (problem === undefined) return next();
    response.statusCode = problem.getStatus();
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(problem.getResponse()));
  });
}

function onFastify(fastify: FastifyLike, paths: OwnPaths): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const route = paths.routeAt(request.routeOptions.url ?? pathOf(request.url));
    if (route === undefined) return done();
    reply.headers(HEADERS);
    const { method, headers } = request.raw;
    const problem = FORM_ROUTES.includes(route) ? bodyProblem(method, headers) : undefined;
    if (problem === undefined) return done();
    reply.code(problem.getStatus()).send(problem.getResponse());
  });
}

/**
 * Puts our headers and the check of body types and sizes ahead of everything else on our routes. To be called before the
 * host's parsers are registered: in a module's constructor.
 *
 * @returns whether there was an HTTP adapter to install them on.
 */
export function installEarlyChecks({ httpAdapter }: HttpAdapterHost, urls: PublicUrls): boolean {
  if (httpAdapter === undefined) return false;
  const paths = new OwnPaths(urls);
  if (httpAdapter.getType() === 'fastify') {
    onFastify(httpAdapter.getInstance<FastifyLike>(), paths);
  } else {
    onExpress(httpAdapter, paths);
  }
  return true;
}
