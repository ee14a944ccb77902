import { SignJWT, createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { Provider, type KoaContextWithOIDC } from 'oidc-provider';

import { registerIfSecret, registerSecret } from './canary-secrets.js';
import { Reply } from './http-request.js';
import { claimsOf, providerConfiguration } from './provider-configuration.js';
import {
  TEST_AUDIENCE,
  TEST_CLIENT_ID,
  TEST_CLIENT_SECRET,
  type ProviderOptions,
} from './provider-options.js';
import { interactionPages } from './provider-pages.js';
import { ProviderStorage } from './provider-storage.js';
import type { LoggedRequest } from './request-log.js';
import { testKey, type SigningKey } from './signing-keys.js';
import { TestServer } from './test-server.js';
import type { VectorSource } from './token-vector.js';
import { UserAgent } from './user-agent.js';

export type { ProviderOptions } from './provider-options.js';

const secretMembers = ['access_token', 'refresh_token', 'id_token', 'device_code'];

/**
 * Starts the real oidc-provider in this process, on `http://127.0.0.1:PORT`. Client `my-client`, users
 * `alice` and `bob`, PKCE required, access tokens as JWTs for the audience `my-aud`.
 *
 * @example `const provider = await startProvider({ rotateRefreshTokens: false });`
 */
export async function startProvider(options: ProviderOptions = {}): Promise<TestProvider> {
  const keys = options.keys ?? [await testKey('RS256', 'oidc-provider')];
  registerSecret(options.clientSecret ?? TEST_CLIENT_SECRET, 'client secret');

  const provider = new TestProvider(options, keys);
  await provider.start(options.port);
  return provider;
}

/**
 * A running oidc-provider; made by {@link startProvider}. Its endpoints: `/auth`, `/token`, `/device/auth`,
 * `/device`, `/me`, `/jwks`, `/token/revocation`, `/token/introspection`, `/session/end`.
 */
export class TestProvider {
  readonly clientId = TEST_CLIENT_ID;
  readonly #storage = new ProviderStorage();
  readonly #options: ProviderOptions;
  #keys: readonly SigningKey[];
  readonly #server: TestServer;
  #answer: ReturnType<Provider['callback']> | undefined;

  constructor(options: ProviderOptions, keys: readonly SigningKey[]) {
    this.#options = options;
    this.#keys = keys;
    this.#server = new TestServer((incoming, response) => {
      void this.#answer?.(incoming, response);
    });
  }

  get issuer(): string {
    return this.#server.origin;
  }

  get discoveryUrl(): string {
    return `${this.issuer}/.well-known/openid-configuration`;
  }

  get clientSecret(): string {
    return this.#options.clientSecret ?? TEST_CLIENT_SECRET;
  }

  /** Every request that reached the provider, its own pages included. */
  get requests(): readonly LoggedRequest[] {
    return this.#server.requests;
  }

  /** The published keys. */
  get jwks(): JSONWebKeySet {
    return { keys: this.#keys.map(({ publicJwk }) => publicJwk) };
  }

  /** What hostile tokens need to be made from. */
  get vectorSource(): VectorSource {
    const { issuer, clientId, clientSecret } = this;
    const audience = this.#options.audience ?? TEST_AUDIENCE;
    return { issuer, audience, clientId, clientSecret, keys: this.#keys };
  }

  /** The requests to one path, e.g. `/token`. */
  requestsTo(path: string): readonly LoggedRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  clearRequests(): void {
    this.#server.clearRequests();
  }

  /** Signs a JWT with the provider's own key; `iss`, `iat` and `exp` are set unless given. */
  async sign(payload: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('The provider has no key');
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, iat, exp: iat + 300, ...payload };
    const protectedHeader = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
    return new SignJWT(claims).setProtectedHeader(protectedHeader).sign(key.privateKey);
  }

  /** Plays the user who enters the code, logs in and consents. */
  async approveDevice(userCode: string, user = 'alice'): Promise<void> {
    const end = await this.#answerDevice(userCode, ({ fields }) =>
      'login' in fields ? { ...fields, login: user } : fields,
    );
    if (!end.text().includes('Device connected')) throw new Error(`Not approved: ${end.text()}`);
  }

  /** Plays the user who enters the code and refuses. */
  async denyDevice(userCode: string): Promise<void> {
    await this.#answerDevice(userCode, ({ fields }) => {
      if (!('confirm' in fields)) return fields;
      const { confirm: _confirm, ...others } = fields;
      return { ...others, abort: 'yes' };
    });
  }

  /** Goes on with other signing keys; sessions, grants and the port stay. */
  async restart({ keys }: { keys?: readonly SigningKey[] } = {}): Promise<void> {
    await this.stop();
    this.#keys = keys ?? this.#keys;
    await this.start();
  }

  /** Listens again, on the same port. */
  async start(port?: number): Promise<void> {
    await this.#server.start(port);
    this.#answer = this.#build().callback();
  }

  /** Closes the port and every connection. */
  async stop(): Promise<void> {
    await this.#server.stop();
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #answerDevice(userCode: string, fill: Parameters<UserAgent['walk']>[2]): Promise<Reply> {
    const url = `${this.issuer}/device?user_code=${encodeURIComponent(userCode)}`;
    const end = await new UserAgent().walk(this.issuer, url, fill);
    if (end instanceof Reply) return end;
    throw new Error(`The device page leads to ${end.href}`);
  }

  #build(): Provider {
    const configuration = providerConfiguration(this.#options, this.#keys, this.#storage);
    const provider = new Provider(this.issuer, configuration);
    if (this.#options.anyLoopbackRedirect !== false) allowLoopbackRedirects(provider);

    provider.use((ctx, next) => registerAnswer(ctx, next));
    if (this.#options.issParameter === false) {
      provider.use((ctx, next) => dropIssParameter(ctx, next));
    }
    provider.use(interactionPages(provider));
    provider.use((ctx, next) => this.#userinfo(ctx, next));
    return provider;
  }

  /** oidc-provider's own userinfo refuses JWT access tokens of a resource server. */
  async #userinfo(ctx: AnyContext, next: () => Promise<void>): Promise<void> {
    if (ctx.path !== '/me') return next();
    const [, token = ''] = ctx.get('authorization').split(' ');
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet(this.jwks), {
        issuer: this.issuer,
      });
      ctx.body = claimsOf(payload.sub ?? '', this.#options);
    } catch {
      ctx.status = 401;
      ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
      ctx.body = { error: 'invalid_token' };
    }
    return undefined;
  }
}

type AnyContext = Pick<KoaContextWithOIDC, 'path' | 'get' | 'set' | 'response'> & {
  status: number;
  body: unknown;
};

function allowLoopbackRedirects(provider: Provider): void {
  const { prototype } = provider.Client;
  prototype.redirectUriAllowed = redirectUriAllowed;
  prototype.postLogoutRedirectUriAllowed = postLogoutRedirectUriAllowed;
}

type Client = InstanceType<Provider['Client']>;

function redirectUriAllowed(this: Client, uri: string): boolean {
  return isLoopback(uri) || this.redirectUris?.includes(uri) === true;
}

function postLogoutRedirectUriAllowed(this: Client, uri: string): boolean {
  return isLoopback(uri) || this.postLogoutRedirectUris?.includes(uri) === true;
}

function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** Every token and code that goes out is a canary. */
async function registerAnswer(ctx: AnyContext, next: () => Promise<void>): Promise<void> {
  await next();
  const { body } = ctx;
  if (typeof body !== 'object' || body === null) return;
  for (const [name, value] of Object.entries(body)) {
    if (secretMembers.includes(name)) registerIfSecret(value, name.replace('_', ' '));
  }
}

/** As providers that do not know RFC 9207. */
async function dropIssParameter(ctx: AnyContext, next: () => Promise<void>): Promise<void> {
  await next();
  if (ctx.path.endsWith('/openid-configuration') && typeof ctx.body === 'object') {
    const { authorization_response_iss_parameter_supported: _flag, ...rest } = {
      authorization_response_iss_parameter_supported: undefined,
      ...ctx.body,
    };
    ctx.body = rest;
    return;
  }
  const location = ctx.response.get('location');
  if (!URL.canParse(location)) return;
  const url = new URL(location);
  if (!url.searchParams.has('code') && !url.searchParams.has('error')) return;
  url.searchParams.delete('iss');
  ctx.set('location', url.href);
}
