import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { OAuthError } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Challenges } from '../tokens/challenge.js';
import type { Credentials, Identity } from '../tokens/identity.js';
import { type IncomingRequest, credentialsOf } from '../tokens/incoming-request.js';
import { LiveCalls } from './live-calls.js';

/** What the guard must know of one type of context (`ExecutionContext.getType()`). */
export interface CallContext {
  /** What the caller brought along. @throws {@link OAuthError} when that cannot be read. */
  credentials(context: ExecutionContext): Credentials;
  /** Told of a caller who was let in; hands on the nonce that the caller's next proofs should hold. */
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
      credentials: (context) => credentialsOf(context.switchToHttp().getRequest()),
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
    { claims, byCookie, dpopNonce }: Identity,
    requestProperty: string | false,
  ): void {
    if (requestProperty !== false) setProperty(context, requestProperty, claims);
    if (byCookie === undefined && dpopNonce === undefined) return;
    const { httpAdapter } = this.adapterHost;
    const response: unknown = context.switchToHttp().getResponse();
    httpAdapter.setHeader(response, 'Cache-Control', 'no-store'); // of a nonce too: RFC 9449 §8.2
    if (dpopNonce !== undefined) httpAdapter.setHeader(response, 'DPoP-Nonce', dpopNonce);
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
    const http = context.switchToHttp();
    const response: unknown = http.getResponse();
    const { headers } = http.getRequest<IncomingRequest>();
    for (const [name, value] of this.challenges.headersOf(error, headers)) {
      this.adapterHost.httpAdapter.setHeader(response, name, value);
    }
    return error;
  }
}

function setProperty(context: ExecutionContext, name: string, claims: Identity['claims']): void {
  const request = context.switchToHttp().getRequest<Record<string, unknown>>();
  request[name] = claims;
}
