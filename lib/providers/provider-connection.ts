import { AsyncLocalStorage } from 'node:async_hooks';
import type { Configuration, CustomFetchOptions } from 'openid-client';
import { type Clock, epochSeconds } from '../clock/clock.js';
import type { Deadline } from '../clock/deadline.js';
import { describeError } from '../errors/describe-error.js';
import { printable } from '../errors/printable.js';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { warningLink, withLink } from '../errors/page-link.js';
import { Reason } from '../errors/reason.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { CachedDocument } from '../http/cached-document.js';
import { fetchKeySet } from '../http/fetch-key-set.js';
import { type GuardedFetch, TOO_MANY_CALLS } from '../http/guarded-fetch.js';
import { type KeySource, RemoteKeySet, type SourceState } from '../http/remote-key-set.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import type { IdTokenExpectation } from './check-id-token.js';
import { ENDPOINT_MEMBERS, type EndpointName, endpointOf } from './metadata-endpoints.js';
import { type OpenidClient, openidClient } from './openid-client.js';
import { readableAnswer } from './provider-answers.js';
import { type ProviderMetadata, discoverProvider } from './provider-metadata.js';
import { plainUserinfo } from './signed-userinfo.js';
import { rejectedClient, toGrantRefusal, toOAuthError } from './upstream-refusal.js';

const METADATA_FRESH_MS = 3600_000;

/** Without these nobody can log in: metadata that had them is not given up for metadata that has not. */
const NEEDED: readonly EndpointName[] = ['authorization', 'token', 'jwks'];

/** What was wrong with a token, which says more than our status and code, or names and codes. */
function reasonText(refusal: OAuthError): string {
  return refusal.cause instanceof Reason ? String(refusal.cause) : describeError(refusal);
}

/**
 * The time limit of a call, which openid-client does not hand to its `fetch`. One for the process: Node before 24 gives a value of each that was ever
 * used to every promise from then on, and connections come and go.
 */
const limits = new AsyncLocalStorage<{ readonly of: object; readonly deadline: Deadline }>();

/** A call to the provider. */
export interface ProviderCall {
  readonly endpoint: EndpointName;
  /** The grant that it uses, which this client may not be registered for. */
  readonly grant?: string;
  /** Ends the call, whatever the option `timeoutMs` says. */
  readonly deadline?: Deadline | undefined;
}

/**
 * The line to one identity provider: its metadata and keys, kept and renewed in the background, and what every call has
 * in common. Nothing is asked before it is needed, so the application starts while the provider is down.
 */
export class ProviderConnection implements KeySource {
  readonly name: string;
  readonly keys: RemoteKeySet;
  readonly #metadata: CachedDocument<ProviderMetadata>;
  readonly #logger = new SafeLogger();
  readonly #warned = new Set<string>();

  constructor(
    private readonly options: ResolvedProvider,
    private readonly http: GuardedFetch,
    private readonly clock: Clock,
    private readonly events: OidcEvents,
  ) {
    this.name = options.name;
    this.#metadata = new CachedDocument({
      load: () => this.#discover(),
      clock,
      freshMs: METADATA_FRESH_MS,
      usableMs: Infinity,
      cooldownMs: options.jwksCooldownSec * 1000,
    });
    this.keys = new RemoteKeySet({
      load: async () => (await fetchKeySet(http, [endpointOf(await this.metadata(), 'jwks')])).keys,
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
        const { endpoints } = this.#metadata.peek() ?? {};
        this.#metadata.expire(); // the key set may have moved
        if (endpoints !== undefined) this.#reportFailure(error, endpoints.jwks);
      },
    });
  }

  /** @throws {@link OAuthError} 502 or 503 while there is none. */
  metadata(): Promise<ProviderMetadata> {
    return this.#metadata.read();
  }

  /** The metadata, if they were ever read; asks nobody. */
  knownMetadata(): ProviderMetadata | undefined {
    return this.#metadata.peek();
  }

  /** Has keys that are older than that renewed, as far as the back-off after failures allows. Never throws. */
  look(maxAgeMs: number): Promise<void> {
    return this.keys.look(maxAgeMs);
  }

  /** What its access tokens are for (RFC 8707). */
  get resource(): readonly string[] {
    return this.options.resource;
  }

  /** What is known of it now; asks nobody. */
  get state(): SourceState {
    const { state } = this.keys;
    return { ...state, failing: state.failing || this.#metadata.failing };
  }

  /** Metadata and keys: without both a grant would be spent on an ID token that nobody can check. */
  async prepare(): Promise<void> {
    await this.metadata();
    await this.keys.prepare();
  }

  /** Calls an endpoint; whatever goes wrong becomes the {@link OAuthError} for our caller. */
  async ask<T>(
    { endpoint, grant, deadline }: ProviderCall,
    call: (configuration: Configuration, library: OpenidClient) => Promise<T>,
  ): Promise<T> {
    const metadata = await this.metadata();
    const { configuration } = metadata;
    const library = await openidClient();
    try {
      endpointOf(metadata, endpoint);
      if (deadline === undefined) return await call(configuration, library);
      return await limits.run({ of: this, deadline }, () => call(configuration, library));
    } catch (error) {
      const refused = grant === undefined ? undefined : toGrantRefusal(error, grant);
      if (grant === undefined || refused === undefined) {
        throw this.refusal(error, metadata.endpoints[endpoint]);
      }
      this.events.emit('grant-refused', { provider: this.name, grant });
      throw refused;
    }
  }

  /**
   * What our caller is told about a failed call; failures of the provider are reported and make us look anew.
   *
   * @param address that was called.
   */
  refusal(error: unknown, address?: string): OAuthError {
    const rejected = rejectedClient(error);
    if (rejected !== undefined) {
      this.events.emit('client-rejected', { provider: this.name, error: rejected });
    }
    const refusal = toOAuthError(error);
    if (refusal.getStatus() >= 500 && refusal.cause !== TOO_MANY_CALLS) {
      this.#metadata.expire(); // endpoints may have moved
      this.#reportFailure(refusal, address);
    }
    return refusal;
  }

  /** Brings claims that it gave into the types that their specifications fix. */
  clean(claims: Record<string, unknown>, source: 'ID token' | 'userinfo'): void {
    cleanClaims(claims, (claim, came) =>
      this.events.emit('claim-mistyped', { provider: this.name, source, claim, came }),
    );
  }

  /** What tokens for us are held against at this moment. @throws {@link OAuthError} 502, 503 while the metadata is unknown. */
  async expectation(): Promise<IdTokenExpectation> {
    const { issuers, idTokenAlgorithms: algorithms } = await this.metadata();
    const { clientId, clockToleranceSec: toleranceSec } = this.options;
    const nowSec = epochSeconds(this.clock);
    return { issuers, clientId, keys: this.keys, algorithms, nowSec, toleranceSec };
  }

  async #discover(): Promise<ProviderMetadata> {
    const library = await openidClient();
    try {
      const metadata = await discoverProvider(this.options, this.http);
      this.#warnOfUnusable(metadata);
      const before = this.#metadata.peek();
      const lost = NEEDED.find((name) => before?.endpoints[name] && !metadata.endpoints[name]);
      if (lost !== undefined) {
        throw badUpstreamAnswer(`metadata that has no usable ${ENDPOINT_MEMBERS[lost]} any more`);
      }
      metadata.configuration[library.customFetch] = (url, init) => this.#send(url, init);
      return metadata;
    } catch (error) {
      this.#reportFailure(error, this.options.discoveryUrl);
      throw toOAuthError(error);
    }
  }

  #warnOfUnusable({ unusable }: ProviderMetadata): void {
    for (const { member, problem, option } of unusable) {
      if (this.#warned.has(member)) continue;
      this.#warned.add(member);
      const line =
        `"${member}" in the metadata of the identity provider is not used, as if it were absent: it ${problem}. ` +
        `Have it mended there, or set "${option}".`;
      const link = warningLink('log-in-the-metadata-of-the-identity-provider-is-not-used');
      this.#logger.warn(withLink(line, link));
    }
  }

  async #send(url: string, { method, headers, body }: CustomFetchOptions): Promise<Response> {
    if (!(body instanceof URLSearchParams)) {
      const response = await this.http.request(url, { method, headers });
      return plainUserinfo(response, () => this.expectation()); // nothing else is asked for without a form
    }
    const limit = limits.getStore();
    const atMostMs = limit?.of === this ? limit.deadline.leftMs() : undefined;
    return readableAnswer(await this.http.request(url, { method, headers, body }, atMostMs));
  }

  #reportFailure(error: unknown, address: string | undefined): void {
    this.events.emit('provider-failed', {
      provider: this.name,
      ...(address === undefined ? {} : { address: printable(address) }),
      reason: error instanceof OAuthError ? reasonText(error) : describeError(error),
    });
  }
}
