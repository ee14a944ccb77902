import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';

import type { JSONWebKeySet } from 'jose';

import { goodBehaviour, type Behaviour, type Endpoint } from './behaviour.js';
import { authorize, endSession } from './browser-endpoints.js';
import { registerSecret } from './canary-secrets.js';
import type { JsonMembers, Signer } from './compact-jws.js';
import { IssuedGrants, type RefreshTokenState } from './issued-grants.js';
import { showLines } from './output-capture.js';
import { patchedAnswer, sendAnswer, type Answer } from './provider-answer.js';
import { endpointPaths, providerMetadata } from './provider-metadata.js';
import { TEST_AUDIENCE, TEST_CLIENT_ID, TEST_CLIENT_SECRET } from './provider-options.js';
import type { LoggedRequest } from './request-log.js';
import type { KeyAlgorithm, SigningKey } from './signing-keys.js';
import { TestServer } from './test-server.js';
import { TokenEndpoint } from './token-endpoint.js';
import { TokenMint, type ProviderIdentity } from './token-mint.js';
import type { VectorSource } from './token-vector.js';
import { alice, users } from './users.js';

export type { Behaviour, Endpoint } from './behaviour.js';

export interface MisbehavingProviderOptions {
  /** A fixed port; default: a free one. */
  port?: number;
  /** Path of the issuer, e.g. `/realms/demo`. @defaultValue `''` */
  path?: string;
  /** @defaultValue `'my-client'` */
  clientId?: string;
  /** @defaultValue `'client-secret-of-at-least-32-characters'` */
  clientSecret?: string;
  /** @defaultValue `'my-aud'` */
  audience?: string;
  /** Kinds of keys that are made and published, the first signs. @defaultValue `['RS256', 'ES256', 'EdDSA']` */
  algorithms?: readonly KeyAlgorithm[];
  /** Ready-made keys instead, for two providers with the same key id. */
  keys?: readonly SigningKey[];
  /** How it behaves from the start. */
  behaviour?: Partial<Behaviour>;
  /** What `behaviour.now` goes by, also after `resetBehaviour()`; default: the real time. */
  clock?: { now(): Date };
  /** What happens as soon as a client waits for an answer that hangs or drips: lets a clock pass its time limit. */
  whileWaiting?: () => void;
}

/**
 * Starts a small OpenID provider that does whatever a test tells it to. Without orders it behaves well:
 * its authorization endpoint logs `alice` in at once and sends her back without showing a page.
 *
 * @example
 * ```ts
 * const provider = await startMisbehavingProvider();
 * provider.behaviour.faults.token = closeSocket('during');
 * provider.behaviour.idToken.claims = (claims) => ({ ...claims, aud: 'somebody-else' });
 * ```
 */
export async function startMisbehavingProvider(
  options: MisbehavingProviderOptions = {},
): Promise<MisbehavingProvider> {
  const provider = new MisbehavingProvider(options);
  await provider.begin(options);
  return provider;
}

/** A provider under a test's orders; made by {@link startMisbehavingProvider}. */
export class MisbehavingProvider implements ProviderIdentity {
  readonly behaviour: Behaviour;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;

  readonly #path: string;
  readonly #clock: { now(): Date } | undefined;
  readonly #whileWaiting: () => void;
  readonly #grants = new IssuedGrants();
  readonly #mint = new TokenMint(this);
  readonly #clientEndpoints = new TokenEndpoint(this, this.#mint, this.#grants);
  readonly #server = new TestServer((incoming, response, request) => {
    void this.#serve(incoming, response, request);
  });

  constructor(options: MisbehavingProviderOptions) {
    this.#clock = options.clock;
    this.#whileWaiting = options.whileWaiting ?? (() => undefined);
    this.behaviour = { ...this.#goodBehaviour(), ...options.behaviour };
    this.clientId = options.clientId ?? TEST_CLIENT_ID;
    this.clientSecret = options.clientSecret ?? TEST_CLIENT_SECRET;
    this.audience = options.audience ?? TEST_AUDIENCE;
    this.#path = options.path ?? '';
    registerSecret(this.clientSecret, 'client secret');
  }

  get issuer(): string {
    return `${this.#server.origin}${this.#path}`;
  }

  get discoveryUrl(): string {
    return `${this.issuer}/.well-known/openid-configuration`;
  }

  get requests(): readonly LoggedRequest[] {
    return this.#server.requests;
  }

  /** The published keys. */
  get keys(): readonly SigningKey[] {
    return this.#mint.keys;
  }

  get jwks(): JSONWebKeySet {
    return this.#mint.jwks;
  }

  /** Signs what the provider issues, whether it is published or not; may be set. */
  get signingKey(): SigningKey {
    return this.#mint.signingKey;
  }

  set signingKey(key: SigningKey) {
    this.#mint.signingKey = key;
  }

  /** What hostile tokens need to be made from. */
  get vectorSource(): VectorSource {
    const { issuer, audience, clientId, clientSecret, keys } = this;
    return { issuer, audience, clientId, clientSecret, keys, now: () => this.behaviour.now() };
  }

  /** The requests that reached one endpoint. */
  requestsTo(endpoint: Endpoint): readonly LoggedRequest[] {
    return this.requests.filter(({ path }) => this.#endpointOf(path) === endpoint);
  }

  /** Resolves when so many requests have come to an endpoint since they were cleared. */
  async reached(endpoint: Endpoint, count = 1): Promise<void> {
    while (this.requestsTo(endpoint).length < count) await wait(2);
  }

  clearRequests(): void {
    this.#server.clearRequests();
  }

  /** Behaves well again. The `behaviour` object stays the same one. */
  resetBehaviour(): void {
    for (const name of Object.keys(this.behaviour)) Reflect.deleteProperty(this.behaviour, name);
    Object.assign(this.behaviour, this.#goodBehaviour());
  }

  /** An access token as the token endpoint issues it, with these claims and header members changed. */
  accessToken(
    claims: JsonMembers = {},
    header: JsonMembers = {},
    key: SigningKey | Signer = this.signingKey,
  ): string {
    return this.#mint.accessToken(claims, header, key);
  }

  /** An access token that only its introspection endpoint can read, with these claims changed. */
  opaqueToken(claims: JsonMembers = {}, prefix = ''): string {
    return this.#mint.opaqueToken(claims, prefix);
  }

  /** An ID token as the token endpoint issues it, with these claims and header members changed. */
  idToken(
    claims: JsonMembers = {},
    header: JsonMembers = {},
    key: SigningKey | Signer = this.signingKey,
  ): string {
    return this.#mint.idToken(claims, header, key);
  }

  /** Publishes a new RSA key and signs with it; the keys before stay published. */
  async rotateKeys(): Promise<SigningKey> {
    return this.#mint.rotate();
  }

  /** Takes a key out of the published set. */
  withdrawKey(kid: string): void {
    this.#mint.withdraw(kid);
  }

  /** The next poll of this device gets tokens for the user. */
  approveDevice(userCode: string, user = 'alice'): void {
    const person = users.get(user);
    if (person === undefined) throw new Error(`Nobody is called ${user}`);
    this.#grants.decideDevice(userCode, person);
  }

  /** The next poll of this device gets `access_denied`. */
  denyDevice(userCode: string): void {
    this.#grants.decideDevice(userCode, 'denied');
  }

  /** A refresh token, as a login of that user would bring. */
  grantRefreshToken(user = alice, scope = 'openid profile email'): string {
    return this.#grants.addRefreshToken({ user, scope });
  }

  refreshTokenState(token: string): RefreshTokenState {
    return this.#grants.stateOf(token);
  }

  /** Ends every session: each refresh gets `invalid_grant` from now on. */
  endSessions(): void {
    this.#grants.revokeAll();
  }

  /** @internal Use {@link startMisbehavingProvider}. */
  async begin({ algorithms, keys, port }: MisbehavingProviderOptions): Promise<void> {
    await this.#mint.begin(algorithms ?? ['RS256', 'ES256', 'EdDSA'], keys);
    await this.#server.start(port);
  }

  /** Listens again on the same port, after {@link stop}. */
  async start(): Promise<void> {
    await this.#server.start();
  }

  /** Closes the port and every connection. */
  async stop(): Promise<void> {
    await this.#server.stop();
  }

  async close(): Promise<void> {
    this.#mint.end();
    await this.#server.close();
  }

  #goodBehaviour(): Behaviour {
    const clock = this.#clock;
    return { ...goodBehaviour(), ...(clock === undefined ? {} : { now: () => clock.now() }) };
  }

  async #serve(
    incoming: IncomingMessage,
    response: ServerResponse,
    request: LoggedRequest,
  ): Promise<void> {
    try {
      await finished(incoming.resume(), { writable: false });
      const endpoint = this.#endpointOf(request.path);
      const usual = async (): Promise<Answer> => this.#answer(endpoint, request);
      const fault = endpoint === undefined ? undefined : this.behaviour.faults[endpoint];
      if (fault !== undefined)
        await fault({ request, incoming, response, usual, waits: this.#whileWaiting });
      else sendAnswer(response, await usual());
    } catch (error) {
      if (response.destroyed) return; // the client or stop() closed the connection
      showLines([`The test provider broke at ${request.path}: ${String(error)}`]);
      response.destroy();
    }
  }

  #endpointOf(path: string): Endpoint | undefined {
    return path.startsWith(this.#path) ? endpointPaths[path.slice(this.#path.length)] : undefined;
  }

  async #answer(endpoint: Endpoint | undefined, request: LoggedRequest): Promise<Answer> {
    switch (endpoint) {
      case 'discovery':
        return patchedAnswer(
          providerMetadata(
            this.issuer,
            this.keys.map(({ alg }) => alg),
          ),
          this.behaviour.metadata,
        );
      case 'jwks':
        return patchedAnswer(this.jwks, this.behaviour.jwks);
      case 'authorization':
        return authorize(request.query, this, this.#grants);
      case 'token':
        return this.#clientEndpoints.answer(request);
      case 'device':
        return this.#clientEndpoints.startDevice(request);
      case 'userinfo':
        return this.#clientEndpoints.userinfo(request);
      case 'revocation':
        return this.#clientEndpoints.revoke(request);
      case 'introspection':
        return this.#clientEndpoints.introspect(request);
      case 'endSession':
        return endSession(request.query);
      case 'push':
        return { status: 201, body: { request_uri: 'urn:example:pushed', expires_in: 60 } };
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }
}
