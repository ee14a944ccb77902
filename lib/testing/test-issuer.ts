import { type Server, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { OidcAuthOptions } from '../options/oidc-auth-options.js';
import { IssuerEndpoints } from './issuer-endpoints.js';
import { ProofKey, type TestProofRequest } from './proof-key.js';
import type { IssuerUser } from './issuer-grants.js';
import { IssuerKeys } from './issuer-keys.js';
import { TestClock } from './test-clock.js';

/** The endpoints that a test can make fail. */
export type IssuerEndpoint =
  | 'discovery'
  | 'jwks'
  | 'authorization'
  | 'token'
  | 'device'
  | 'userinfo'
  | 'revocation'
  | 'endSession';

export interface TestIssuerOptions {
  /** @defaultValue `'test-client'` */
  clientId?: string;
  /** @defaultValue a text of 40 characters */
  clientSecret?: string;
  /** What `aud` of access tokens holds. @defaultValue `'test-api'` */
  audience?: string;
  /** Who logs in; changed by `loginAs()`. @defaultValue `{ sub: 'test-user', roles: [] }` */
  user?: IssuerUser;
}

/** What {@link TestIssuer.token} puts into an access token. Further members become claims. */
export interface TestTokenClaims {
  readonly sub?: string;
  /** The flat role list. */
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[] | string;
  /** Seconds from now; below zero it has ended. @defaultValue `300` */
  readonly expiresIn?: number;
  /** Bound to a key (`cnf.jkt`, RFC 9449): it is sent with the scheme `DPoP` and what {@link TestIssuer.proof} makes. @defaultValue `false` */
  readonly bound?: boolean;
  readonly [claim: string]: unknown;
}

/**
 * An OpenID provider on loopback, made for tests of hosts: whoever comes to its authorization endpoint is logged in at once, as the user
 * that the test names, and is sent back; device logins are approved by the second poll. `acr` is the first of the `acr_values` of a login, and
 * `auth_time` the begin of the user's session at the issuer, which begins anew for another `acr`, or a `max_age` that it does not meet. Everything else is as real as it can be: HTTP, discovery,
 * keys, PKCE, nonces, refresh tokens that rotate, userinfo, logout. Works under every test runner.
 *
 * @example
 * ```ts
 * const issuer = await TestIssuer.start();
 * const moduleRef = await Test.createTestingModule({
 *   imports: [OidcAuthModule.forRoot({ ...issuer.options, publicUrl: 'http://localhost:3000' })],
 * }).compile();
 * const token = await issuer.token({ sub: 'alice', roles: ['admins'], scopes: ['orders:read'] });
 * await issuer.close();
 * ```
 */
export class TestIssuer {
  /** Its clock; give it to the application too (`overrideProvider(Clock).useValue(issuer.clock)`) where both must move. */
  readonly clock: TestClock;
  readonly issuer: string;
  readonly #server: Server;
  readonly #keys: IssuerKeys;
  readonly #endpoints: IssuerEndpoints;
  readonly #settings: Required<TestIssuerOptions>;
  #proofKey: Promise<ProofKey> | undefined;

  private constructor(server: Server, keys: IssuerKeys, settings: Required<TestIssuerOptions>) {
    this.clock = new TestClock();
    this.#server = server;
    this.#keys = keys;
    this.#settings = settings;
    this.issuer = `http://127.0.0.1:${portOf(server)}`;
    this.#endpoints = new IssuerEndpoints({
      ...settings,
      issuer: this.issuer,
      keys,
      clock: this.clock,
    });
    server.on('request', (request, response) => {
      void this.#endpoints.answer(request, response);
    });
  }

  /** Starts it on a free port of 127.0.0.1. */
  static async start(options: TestIssuerOptions = {}): Promise<TestIssuer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TestIssuer(server, await IssuerKeys.create(), {
      clientId: 'test-client',
      clientSecret: 'client-secret-of-the-test-issuer-40-long',
      audience: 'test-api',
      user: { sub: 'test-user', roles: [] },
      ...options,
    });
  }

  /** What `OidcAuthModule.forRoot()` needs of it; add `publicUrl`, or switch login, callback and logout off. */
  get options(): Pick<OidcAuthOptions, 'clientId' | 'clientSecret' | 'discoveryUrl' | 'audience'> {
    const { clientId, clientSecret, audience } = this.#settings;
    const discoveryUrl = `${this.issuer}/.well-known/openid-configuration`;
    return { clientId, clientSecret, audience, discoveryUrl };
  }

  /** An access token as its token endpoint gives them, for an `Authorization` header. */
  async token({
    scopes = [],
    expiresIn = 300,
    bound = false,
    ...claims
  }: TestTokenClaims = {}): Promise<string> {
    const binding = bound ? { cnf: { jkt: (await this.#key()).jkt } } : {};
    return this.#endpoints.accessToken(
      { ...this.#settings.user, ...binding, ...claims },
      typeof scopes === 'string' ? scopes : scopes.join(' '),
      expiresIn,
    );
  }

  /**
   * A proof for the header `DPoP` of one request with a token that is `bound`; of a token request in broker mode, whose tokens are bound by it.
   *
   * @example `{ authorization: `DPoP ${token}`, dpop: await issuer.proof({ method: 'GET', url, token }) }`
   */
  async proof(request: TestProofRequest): Promise<string> {
    return (await this.#key()).proof(request);
  }

  /** Who logs in from now on. With `acr` or `auth_time` of its own, that is what is said of each login, whatever was asked for. */
  loginAs(user: IssuerUser): void {
    this.#endpoints.session.loginAs(user);
  }

  /** From now on another key signs, and the former one is published no more. */
  rotateKeys(): Promise<void> {
    return this.#keys.rotate();
  }

  /**
   * Makes an endpoint fail.
   *
   * @param status an HTTP status, `'hang'` for no answer at all; `undefined` ends it.
   */
  fail(endpoint: IssuerEndpoint, status: number | 'hang' | undefined): void {
    this.#endpoints.fail(endpoint, status);
  }

  /** Moves the issuer's clock, forwards or back. */
  moveClock(seconds: number): void {
    this.clock.advance(seconds);
  }

  #key(): Promise<ProofKey> {
    this.#proofKey ??= ProofKey.create(this.clock);
    return this.#proofKey;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function portOf(server: Server): number {
  const address: string | AddressInfo | null = server.address();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new TypeError('The test issuer is not listening');
}
