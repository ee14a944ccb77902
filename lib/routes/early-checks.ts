import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import { RefusalLog } from '../events/refusal-log.js';
import { refusalHeaders } from '../tokens/challenge.js';
import { type RouteName, formRoutes } from '../options/resolve-routes.js';
import { ANSWER_HEADERS, PUBLIC_HEADERS, UNCACHED_HEADERS } from './answers.js';
import { checkSize, noteProblem, readForm } from './form-body.js';
import { OwnRoutes, pathOf } from './own-routes.js';
import { toRefusal } from './to-refusal.js';
import { type DocumentSource, WellKnownDocuments } from './well-known-documents.js';

const BODY_HEADERS = ['content-type', 'content-length', 'transfer-encoding'];

type Middleware = (
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
  next: () => void,
) => Promise<void> | void;

interface ExpressLike {
  getType(): string;
  use(handler: Middleware): void;
  use(paths: RegExp, handler: Middleware): void;
}

interface FastifyReplyLike {
  headers(headers: Readonly<Record<string, string>>): void;
  code(status: number): { send(body: unknown): unknown };
}

interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (
      request: { url: string; raw: IncomingMessage; routeOptions: { url?: string } },
      reply: FastifyReplyLike,
      done: () => void,
    ) => Promise<unknown> | void, // who returns a promise does not call it
  ): void;
}

const CLOSE: [name: string, value: string] = ['Connection', 'close']; // the rest of the body is not read

/** Reads the form where there is one, and nothing elsewhere. What is wrong with it is noted, for the route to answer. */
async function hasProblem(request: IncomingMessage, isForm: boolean): Promise<boolean> {
  try {
    if (isForm) await readForm(request);
    else checkSize(request);
    return false;
  } catch (error) {
    const early = new OAuthError('invalid_request', 'The request ended before its body did');
    noteProblem(request, error instanceof OAuthError ? error : early);
    return true;
  }
}

/** Nothing is cached before it is known to be a public document: its own handler says that. */
function headersOf(route: RouteName): Readonly<Record<string, string>> {
  return route === 'jwks' || route === 'clientJwks' ? UNCACHED_HEADERS : ANSWER_HEADERS;
}

/** An answer that is ready to be sent. */
interface ReadyAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

function isReading({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Bodies of other methods at our paths are the host's, if anybody's. */
function isOurs(
  route: RouteName,
  { method }: IncomingMessage,
  routes: Pick<OwnRoutes, 'logsOutByPost' | 'takesForm'>,
): boolean {
  if (routes.takesForm(route, method)) return true;
  if (formRoutes.includes(route)) return false;
  if (route === 'logout' && method === 'POST') return routes.logsOutByPost;
  return method === 'GET' || method === 'HEAD';
}

/** Express itself looks at the path, so that a request of the host's does not come here at all; of others like it we know no more than `use()`. */
function useAt(express: ExpressLike, paths: RegExp, handler: Middleware): void {
  if (express.getType() === 'express') express.use(paths, handler);
  else express.use(handler);
}

function sendOnNode(response: ServerResponse, { status, headers, body }: ReadyAnswer): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}

/**
 * What happens to a request ahead of the host's parsers: our headers, the reading of our forms, the well-known documents.
 * What is wrong with a form is only noted: the route itself answers, behind the host's own middleware (CORS).
 */
@Injectable()
export class EarlyChecks {
  #installed = false;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly routes: OwnRoutes,
    private readonly documents: WellKnownDocuments,
    private readonly refusals: RefusalLog,
    private readonly faults: HostFaults,
  ) {}

  /**
   * To be called before the host's parsers are registered: in a module's constructor; and once more later, because Nest's
   * testing module builds the container before there is an HTTP adapter.
   */
  install(): void {
    const { httpAdapter } = this.adapterHost;
    if (this.#installed || !httpAdapter) return; // an application context has none
    this.#installed = true;
    if (httpAdapter.getType() === 'fastify') {
      this.#onFastify(httpAdapter.getInstance<FastifyLike>());
    } else {
      this.#onExpress(httpAdapter);
    }
  }

  /**
   * Answers the well-known documents ahead of the host's routes, and behind its own middleware (CORS). To be called between the
   * two: in a module's `configure()`. On Fastify the hook of the early checks answers them, which runs behind that of CORS.
   */
  installDocuments(): void {
    const { httpAdapter } = this.adapterHost;
    if (!httpAdapter || httpAdapter.getType() === 'fastify') return;
    this.#documentsOnExpress(httpAdapter);
  }

  /** Most requests are the host's: they wait for nothing here. */
  #onExpress(express: ExpressLike): void {
    useAt(express, this.routes.possible, (request, response, next) => {
      const route = this.routes.at(pathOf(request.url));
      if (route === undefined) return next();
      for (const [name, value] of Object.entries(headersOf(route))) response.setHeader(name, value);
      if (!isOurs(route, request, this.routes)) return next();
      if (request.body !== undefined) return next(); // a serverless platform has read it; formOf looks at its type
      return this.#readOnExpress(route, { request, response, next });
    });
  }

  async #readOnExpress(
    route: RouteName,
    {
      request,
      response,
      next,
    }: { request: IncomingMessage; response: ServerResponse; next: () => void },
  ): Promise<void> {
    const isForm = this.routes.takesForm(route, request.method);
    if (await hasProblem(request, isForm)) response.setHeader(...CLOSE);
    delete request.headers['content-type']; // so that no parser looks at what is left of a body
    next();
  }

  #onFastify(fastify: FastifyLike): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      const { raw } = request;
      const path = pathOf(request.url);
      const document = isReading(raw) ? this.documents.at(path) : undefined;
      if (document !== undefined) return this.#sendOnFastify(reply, document, raw, path);
      const route = this.routes.at(request.routeOptions.url ?? path);
      if (route === undefined) return done();
      reply.headers(headersOf(route));
      return isOurs(route, raw, this.routes) ? this.#readOnFastify(route, raw, reply) : done();
    });
  }

  async #sendOnFastify(
    reply: FastifyReplyLike,
    document: DocumentSource,
    raw: IncomingMessage,
    path: string,
  ): Promise<unknown> {
    const { status, headers, body } = await this.#answer(document, raw, path);
    reply.headers(headers);
    return reply.code(status).send(body);
  }

  async #readOnFastify(
    route: RouteName,
    raw: IncomingMessage,
    reply: FastifyReplyLike,
  ): Promise<void> {
    const isForm = this.routes.takesForm(route, raw.method);
    if (await hasProblem(raw, isForm)) reply.headers(Object.fromEntries([CLOSE]));
    for (const name of BODY_HEADERS) delete raw.headers[name]; // so that Fastify finds nothing to parse
  }

  #documentsOnExpress(express: ExpressLike): void {
    useAt(express, this.documents.possible, (request, response, next) => {
      const path = pathOf(request.url);
      const document = isReading(request) ? this.documents.at(path) : undefined;
      if (document === undefined) return next();
      return this.#answer(document, request, path).then((answer) => sendOnNode(response, answer));
    });
  }

  async #answer(
    source: DocumentSource,
    request: IncomingMessage,
    path: string,
  ): Promise<ReadyAnswer> {
    try {
      checkSize(request);
      return { status: 200, headers: PUBLIC_HEADERS, body: await source() };
    } catch (error) {
      const where = `${request.method} ${path}`;
      const refusal = toRefusal(error, where, this.faults);
      this.refusals.report(where, refusal, 'refused');
      const headers = { ...ANSWER_HEADERS, ...Object.fromEntries(refusalHeaders(refusal)) };
      return { status: refusal.getStatus(), headers, body: refusal.getResponse() };
    }
  }
}
