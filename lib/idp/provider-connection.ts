import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable } from '@nestjs/common';
import {
  type CustomFetchOptions,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
  customFetch,
} from 'openid-client';
import { Clock, epochSeconds } from '../clock/clock.js';
import type { Deadline } from '../clock/deadline.js';
import { describeError } from '../errors/describe-error.js';
import { type OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { OidcEvents } from '../events/oidc-events.js';
import { CachedDocument } from '../http/cached-document.js';
import { fetchKeySet } from '../http/fetch-key-set.js';
import { GuardedFetch, TOO_MANY_CALLS } from '../http/guarded-fetch.js';
import { RemoteKeySet } from '../http/remote-key-set.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { DEFAULT_PROVIDER, type ResolvedOptions } from '../options/resolve-options.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import { type IdTokenExpectation, checkIdToken } from './check-id-token.js';
import { type LogoutTokenClaims, checkLogoutToken } from './check-logout-token.js';
import { type ProviderMetadata, discoverProvider } from './provider-metadata.js';
import {
  type TokenAnswer,
  normaliseDeviceBody,
  normaliseTokenBody,
  readTokenAnswer,
} from './token-answer.js';
import { rejectedClient, toOAuthError } from './upstream-refusal.js';

const METADATA_FRESH_MS = 3600_000;

/** What becomes of the ID token of a token answer. */
export type IdTokenUse = 'checked' | 'left out';

/**
 * The line to one identity provider: its metadata and keys, kept and renewed in the background, and what every call has
 * in common. Nothing is asked before it is needed, so the application starts while the provider is down.
 */
@Injectable()
export class ProviderConnection {
  readonly name = DEFAULT_PROVIDER;
  readonly keys: RemoteKeySet;
  readonly #metadata: CachedDocument<ProviderMetadata>;
  /** openid-client hands no time limit of a single call to its `fetch`. */
  readonly #deadline = new AsyncLocalStorage<Deadline>();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly http: GuardedFetch,
    @Inject(Clock) private readonly clock: Clock,
    private readonly events: OidcEvents,
  ) {
    this.#metadata = new CachedDocument({
      load: () => this.#discover(),
      clock,
      freshMs: METADATA_FRESH_MS,
      usableMs: Infinity,
      cooldownMs: options.jwksCooldownSec * 1000,
    });
    this.keys = new RemoteKeySet({
      load: async () => (await fetchKeySet(http, [(await this.metadata()).jwksUri])).keys,
      clock,
      staleSec: options.jwksStaleSec,
      cooldownSec: options.jwksCooldownSec,
      onChange: (change) => events.emit('keys-changed', { provider: this.name, ...change }),
      onStale: (ageMs) =>
        events.emit('stale-keys-served', {
          provider: this.name,
          ageSec: Math.round(ageMs / 1000),
        }),
      onFailure: (error) => {
        this.#metadata.expire(); // the key set may have moved
        this.#reportFailure(error);
      },
    });
  }

  /** @throws {@link OAuthError} 502 or 503 while there is none. */
  metadata(): Promise<ProviderMetadata> {
    return this.#metadata.read();
  }

  /** Makes a call, which ends by the deadline; whatever goes wrong becomes the {@link OAuthError} for our caller. */
  async ask<T>(call: () => Promise<T>, deadline?: Deadline): Promise<T> {
    try {
      return await (deadline === undefined ? call() : this.#deadline.run(deadline, call));
    } catch (error) {
      throw this.refusal(error);
    }
  }

  /** What our caller is told about a failed call; failures of the provider are reported and make us look anew. */
  refusal(error: unknown): OAuthError {
    const rejected = rejectedClient(error);
    if (rejected !== undefined) {
      this.events.emit('client-rejected', { provider: this.name, error: rejected });
    }
    const refusal = toOAuthError(error);
    if (refusal.getStatus() >= 500 && refusal.cause !== TOO_MANY_CALLS) {
      this.#metadata.expire(); // endpoints may have moved
      this.#reportFailure(error);
    }
    return refusal;
  }

  /**
   * Validates and reads a token answer, its ID token included.
   *
   * @param presentedRefreshToken stays good when the answer brings no new one (RFC 6749 §6).
   */
  async read(
    answer: TokenEndpointResponse & TokenEndpointResponseHelpers,
    requestedScope: string | undefined,
    presentedRefreshToken?: string,
    use: IdTokenUse = 'checked',
  ): Promise<TokenAnswer> {
    if (answer.token_type !== 'bearer') throw this.refusal(badUpstreamAnswer('token_type'));
    const nowSec = epochSeconds(this.clock);
    const claims = use === 'checked' ? answer.claims() : undefined;
    const idTokenClaims = claims === undefined ? undefined : { ...claims };
    if (answer.id_token !== undefined && idTokenClaims !== undefined) {
      await this.#checkIdToken(answer.id_token, idTokenClaims, nowSec);
      this.clean(idTokenClaims, 'ID token');
    }
    const refresh_token = answer.refresh_token ?? presentedRefreshToken;
    const body = { ...answer, ...(refresh_token === undefined ? {} : { refresh_token }) };
    const idToken = claims === undefined ? undefined : answer.id_token;
    return { ...readTokenAnswer(body, requestedScope, nowSec), idToken, idTokenClaims };
  }

  /** Brings claims that it gave into the types that their specifications fix. */
  clean(claims: Record<string, unknown>, source: 'ID token' | 'userinfo'): void {
    cleanClaims(claims, (claim, came) =>
      this.events.emit('claim-mistyped', { provider: this.name, source, claim, came }),
    );
  }

  async #checkIdToken(
    idToken: string,
    claims: Record<string, unknown>,
    nowSec: number,
  ): Promise<void> {
    const expected = await this.#expectation(nowSec);
    await this.ask(() => checkIdToken(idToken, claims, expected));
  }

  /**
   * Validates a logout token of this provider.
   *
   * @throws {@link OAuthError} 400 `invalid_request`, whatever is in the way.
   */
  async readLogoutToken(logoutToken: string): Promise<LogoutTokenClaims> {
    return checkLogoutToken(logoutToken, await this.#expectation(epochSeconds(this.clock)));
  }

  async #expectation(nowSec: number): Promise<IdTokenExpectation> {
    const { issuers } = await this.metadata();
    const { clientId, tokenAlgorithms: algorithms, clockToleranceSec: toleranceSec } = this.options;
    return { issuers, clientId, keys: this.keys, algorithms, nowSec, toleranceSec };
  }

  async #discover(): Promise<ProviderMetadata> {
    try {
      const metadata = await discoverProvider(this.options, this.http);
      metadata.configuration[customFetch] = (url, init) => this.#send(url, init);
      return metadata;
    } catch (error) {
      this.#reportFailure(error);
      throw toOAuthError(error);
    }
  }

  async #send(url: string, { method, headers, body }: CustomFetchOptions): Promise<Response> {
    if (!(body instanceof URLSearchParams)) return this.http.request(url, { method, headers });
    const atMostMs = this.#deadline.getStore()?.leftMs();
    const response = await this.http.request(url, { method, headers, body }, atMostMs);
    // The body says what is wrong; with a challenge beside it openid-client would not read it.
    response.headers.delete('www-authenticate');
    if (response.status !== 200) return response;
    const answer: unknown = await response
      .clone()
      .json()
      .catch(() => undefined);
    if (answer === undefined) return response;
    return Response.json(normaliseDeviceBody(normaliseTokenBody(answer)));
  }

  #reportFailure(error: unknown): void {
    this.events.emit('provider-failed', { provider: this.name, reason: describeError(error) });
  }
}
