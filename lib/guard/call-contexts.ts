import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OAuthError } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Challenges } from '../tokens/challenge.js';
import type { Credentials, Identity } from '../tokens/identity.js';
import { LiveCalls } from './live-calls.js';

/** What the guard must know of one type of context (`ExecutionContext.getType()`). */
export interface CallContext {
  /** What the caller brought along. @throws {@link OAuthError} when that cannot be read. */
  credentials(context: ExecutionContext): Credentials;
  /** Told of a caller who was let in. */
  admit?(context: ExecutionContext, identity: Identity): void;
  /** Told of a caller who was let into a stream, which must end with the caller's token. */
  watch?(context: ExecutionContext, identity: Identity): void;
  /** What to throw for a refusal, so that this transport's clients can read it. */
  refusal(context: ExecutionContext, error: unknown): unknown;
}

/** The packages' entries that make the guard know further types of context. */
const ENTRIES: Readonly<Record<string, string>> = {
  graphql: 'OidcGraphqlModule of nestjs-oidc-auth/graphql',
  ws: 'OidcWebsocketsModule of nestjs-oidc-auth/websockets',
  rpc: 'OidcMicroservicesModule of nestjs-oidc-auth/microservices',
};

/** A request of Express (which is Node's own) or of Fastify (which holds it). */
interface HttpRequest {
  readonly method?: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders?: IncomingMessage['rawHeaders'];
  readonly raw?: IncomingMessage;
}

/** A response of Express, or of Fastify. */
type HttpResponse = ServerResponse & { readonly raw?: ServerResponse };

/** The types of context that the guard knows: HTTP, and what entries of this package add. */
@Injectable()
export class CallContexts {
  readonly #known = new Map<string, CallContext>();

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly challenges: Challenges,
    private readonly live: LiveCalls,
    @Inject(RESOLVED_OPTIONS) { requestProperty }: ResolvedOptions,
  ) {
    this.#known.set('http', {
      credentials: httpCredentials,
      refusal: (context, error) => this.#httpRefusal(context, error),
      watch: (context, identity) => this.#watchStream(context, identity),
      admit: (context, identity) => this.#admitHttp(context, identity, requestProperty),
    });
  }

  /** Makes the guard know a type of context. */
  add(type: string, context: CallContext): void {
    this.#known.set(type, context);
  }

  knows(type: string): boolean {
    return this.#known.has(type);
  }

  /** @throws {@link OAuthError} 401 for a type of context that nothing is known of: it stays closed. */
  of(type: string): CallContext {
    const known = this.#known.get(type);
    if (known !== undefined) return known;
    const entry = Object.hasOwn(ENTRIES, type) ? ENTRIES[type] : undefined;
    const mend = entry === undefined ? '' : `; import ${entry}`;
    throw new OAuthError(
      'invalid_token',
      `Authentication is not possible in this type of context${mend}`,
      { cause: `context type ${type}` },
    );
  }

  /** What a person sees who is logged in is not for the browser's history after the logout; a handler may say otherwise. */
  #admitHttp(
    context: ExecutionContext,
    { claims, byCookie }: Identity,
    requestProperty: string | false,
  ): void {
    if (requestProperty !== false) setProperty(context, requestProperty, claims);
    if (byCookie === undefined) return;
    const response: unknown = context.switchToHttp().getResponse();
    this.adapterHost.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
  }

  /** Its client connects anew with a fresh token, or is refused. */
  #watchStream(context: ExecutionContext, identity: Identity): void {
    const answer = context.switchToHttp().getResponse<HttpResponse>();
    const response = answer.raw ?? answer;
    const { socket } = response;
    // Nest gives up the source of a stream when its connection has gone; of HTTP/2 the stream alone goes.
    const hangUp = () => (response.req.httpVersionMajor === 1 ? socket?.destroySoon() : undefined);
    const forget = this.live.watch({ identity, end: () => response.end(hangUp) });
    response.once('close', forget);
  }

  /** The header `WWW-Authenticate` goes with the error, which takes the host's own way of answering. */
  #httpRefusal(context: ExecutionContext, error: unknown): unknown {
    const response: unknown = context.switchToHttp().getResponse();
    for (const [name, value] of this.challenges.headersOf(error)) {
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    }
    return error;
  }
}

function httpCredentials(context: ExecutionContext): Credentials {
  const request = context.switchToHttp().getRequest<HttpRequest>();
  const { headers, method } = request;
  return { headers, rawHeaders: (request.raw ?? request).rawHeaders, method };
}

function setProperty(context: ExecutionContext, name: string, claims: Identity['claims']): void {
  const request = context.switchToHttp().getRequest<Record<string, unknown>>();
  request[name] = claims;
}
