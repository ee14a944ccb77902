import { type KeyObject, generateKeyPairSync } from 'node:crypto';

import { type JWK, createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';

import type { FetchFunction, OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { request } from '../support/http-request.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, handleForm, openLogin, postToken } from '../support/open-login.js';
import { CERTIFICATE_HEADER } from '../support/provider-configuration.js';
import { startProvider, type ProviderOptions, type TestProvider } from '../support/provider.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { testKey } from '../support/signing-keys.js';
import { startTwoProviderApp, startTwoProviders, entryOf } from '../support/two-providers.js';
import { UserAgent } from '../support/user-agent.js';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function providerWith(options: ProviderOptions): Promise<TestProvider> {
  options.refreshTokens = 'always';
  const provider = await startProvider(options); // which goes by what it says later
  ends.push(() => provider.close());
  return provider;
}

async function appWith(
  provider: AppOptions['provider'] & object,
  options: AppOptions['options'],
  adapter: AppOptions['adapter'] = 'express',
): Promise<TestApp> {
  const app = await startApp({ adapter, provider, ...(options && { options }) });
  ends.push(() => app.close());
  return app;
}

/** A whole login and a refresh; what the token route answered each time. */
async function loginAndRefresh(app: TestApp, provider: TestProvider): Promise<string[]> {
  const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT });
  const login = `${app.url}/auth/v2/login?${query.toString()}`;
  const back = new URL(await new UserAgent().loginAt(provider, login, 'alice'));
  const state = back.searchParams.get('state') ?? '';
  const first = await postToken(app, {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: LOOPBACK_REDIRECT,
    code_verifier: state.slice(state.lastIndexOf('|') + 1),
  });
  const refresh_token = String(first.json()['refresh_token']);
  const second = await postToken(app, { grant_type: 'refresh_token', refresh_token });
  return [`${first.status}`, `${second.status}`];
}

const pem = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'pkcs8' }));
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const keySetOf = async (app: TestApp): Promise<{ keys: JWK[] }> => {
  const reply = await request(`${app.url}/auth/v2/.well-known/client-jwks.json`);
  const { keys } = reply.json();
  return { keys: Array.isArray(keys) ? keys : [] };
};

/** The application and a provider that reads the application's own key set, as `jwks_uri`. */
async function withKeySet(
  options: Partial<OidcAuthOptions>,
  adapter?: AppOptions['adapter'],
): Promise<{ app: TestApp; provider: TestProvider }> {
  const registered: ProviderOptions = {
    clientAuth: 'private_key_jwt',
    client: { jwks: { keys: [] }, token_endpoint_auth_signing_alg: 'ES256' },
  };
  const provider = await providerWith(registered);
  const app = await appWith(provider, { clientSecret: undefined, ...options }, adapter);
  registered.client = {
    jwks_uri: `${app.url}/auth/v2/.well-known/client-jwks.json`,
    token_endpoint_auth_signing_alg: 'ES256',
  };
  await provider.restart();
  return { app, provider };
}

describe.each(flowAdapters)('private_key_jwt on %s', (adapter) => {
  it('CA-1: logs in and refreshes with a provider that reads our key set, which has public parts alone', async () => {
    const { app, provider } = await withKeySet({ clientKeys: [{ key: pem(newKey()) }] }, adapter);

    expect(await loginAndRefresh(app, provider)).toEqual(['200', '200']);

    const reply = await request(`${app.url}/auth/v2/.well-known/client-jwks.json`);
    expect(reply.headers.get('cache-control')).toBe('public, max-age=300');
    const { keys } = await keySetOf(app);
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual([
      'alg',
      'crv',
      'kid',
      'kty',
      'use',
      'x',
      'y',
    ]);
  });

  it('CA-1: the key set is not there without keys', async () => {
    const provider = await startMisbehavingProvider();
    ends.push(() => provider.close());
    const app = await appWith(provider, {}, adapter);

    const reply = await request(`${app.url}/auth/v2/.well-known/client-jwks.json`);

    expect([reply.status, reply.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });
});

describe('assertions', () => {
  it('CA-1: are for the issuer, live 60 seconds, and never come twice', async () => {
    const { app, provider } = await withKeySet({ clientKeys: [{ key: pem(newKey()) }] });
    await loginAndRefresh(app, provider);

    const sent = provider.requestsTo('/token').map(({ body }) => body['client_assertion'] ?? '');
    const keySet = createLocalJWKSet(await keySetOf(app));
    const read = await Promise.all(sent.map((one) => jwtVerify(one, keySet)));

    expect(read).toHaveLength(2);
    for (const { payload, protectedHeader } of read) {
      expect(protectedHeader).toEqual({ alg: 'ES256', kid: expect.any(String) });
      expect(payload).toMatchObject({ iss: 'my-client', sub: 'my-client', aud: provider.issuer });
      expect((payload.exp ?? Infinity) - (payload.iat ?? 0)).toBe(60);
    }
    expect(new Set(read.map(({ payload }) => payload.jti)).size).toBe(2);
    expect(provider.requestsTo('/token')[0]?.body).not.toHaveProperty('client_secret');
  });

  it('CA-1: are for the token endpoint where the option says so', async () => {
    const { app, provider } = await withKeySet({
      clientKeys: [{ key: pem(newKey()), x5t: 'thumbprint' }],
      assertionAudience: 'token_endpoint',
    });
    await loginAndRefresh(app, provider);

    const [sent] = provider.requestsTo('/token');
    const assertion = sent?.body['client_assertion'] ?? '';
    expect(decodeJwt(assertion).aud).toBe(`${provider.issuer}/token`);
  });

  it('CA-1: a new key is published before it signs, and the former one signs until then', async () => {
    const [former, next] = [
      { key: pem(newKey()), kid: 'former' },
      { key: pem(newKey()), kid: 'next' },
    ];
    const before = await withKeySet({ clientKeys: [former, next] });
    const { keys } = await keySetOf(before.app);
    expect(keys.map(({ kid }) => kid)).toEqual(['former', 'next']);
    expect(await loginAndRefresh(before.app, before.provider)).toEqual(['200', '200']);

    // The provider knows both now; another instance has turned them round already.
    const after = await appWith(before.provider, {
      clientSecret: undefined,
      clientKeys: [next, former],
    });

    expect(await loginAndRefresh(after, before.provider)).toEqual(['200', '200']);
  });

  it('signed with the secret serve too', async () => {
    const provider = await providerWith({ clientAuth: 'client_secret_jwt' });
    const app = await appWith(provider, { clientAuthentication: 'client_secret_jwt' });

    expect(await loginAndRefresh(app, provider)).toEqual(['200', '200']);
    expect(provider.requestsTo('/token')[0]?.body).not.toHaveProperty('client_secret');
  });

  it('CA-1: of several providers have each its own keys, and one key set', async () => {
    const both = await startTwoProviders();
    ends.push(async () => {
      await Promise.all([both.main.close(), both.staff.close()]);
    });
    const one = { key: pem(newKey()), kid: 'one' };
    const two = { key: pem(newKey()), kid: 'two' };
    const app = await startTwoProviderApp(both, {
      several: {
        providers: {
          default: entryOf(both.main, { clientKeys: [one] }),
          staff: entryOf(both.staff, { clientKeys: [two, one] }),
        },
      },
    });
    ends.push(() => app.close());

    expect((await keySetOf(app)).keys.map(({ kid }) => kid)).toEqual(['one', 'two']);
  });
});

/** A `fetch` that stands for a connection with a certificate, behind what ends TLS at the provider. */
async function withCertificate(subject: string): Promise<{ fetch: FetchFunction; jwk: JWK }> {
  const key = await testKey('RS256', 'client certificate');
  const certificate = selfSignedCertificate(key, subject).toString('base64');
  const fetch: FetchFunction = (url, init) => {
    const headers = new Headers(init.headers);
    headers.set(CERTIFICATE_HEADER, certificate);
    return globalThis.fetch(url, { ...init, headers });
  };
  return { fetch, jwk: { ...key.publicJwk, x5c: [certificate] } };
}

describe('client authentication by certificate', () => {
  it('logs in and refreshes with a self-signed one', async () => {
    const { fetch, jwk } = await withCertificate('my-client');
    const provider = await providerWith({
      clientAuth: 'self_signed_tls_client_auth',
      client: { jwks: { keys: [jwk] } },
    });
    const app = await appWith(provider, {
      clientSecret: undefined,
      clientAuthentication: 'self_signed_tls_client_auth',
      fetch,
    });

    expect(await loginAndRefresh(app, provider)).toEqual(['200', '200']);
    expect(provider.requestsTo('/token')[0]?.body).toMatchObject({ client_id: 'my-client' });
  });

  it('logs in and refreshes with one of an authority', async () => {
    const { fetch } = await withCertificate('my-client');
    const provider = await providerWith({
      clientAuth: 'tls_client_auth',
      client: { tls_client_auth_subject_dn: 'CN=my-client' },
    });
    const app = await appWith(provider, {
      clientSecret: undefined,
      clientAuthentication: 'tls_client_auth',
      fetch,
    });

    expect(await loginAndRefresh(app, provider)).toEqual(['200', '200']);
  });

  it('asks where the provider wants certificates, but for what the options override', async () => {
    const provider = await startMisbehavingProvider();
    ends.push(() => provider.close());
    const aliases = provider.issuer.replace('127.0.0.1', 'localhost');
    provider.behaviour.metadata = (document) => ({
      ...document,
      mtls_endpoint_aliases: {
        token_endpoint: `${aliases}/token`,
        revocation_endpoint: `${aliases}/revoke`,
        introspection_endpoint: 'http://evil.example/introspect',
      },
    });
    const app = await appWith(provider, {
      clientSecret: undefined,
      clientAuthentication: 'tls_client_auth',
      fetch: globalThis.fetch,
      endpoints: { revocation: `${provider.issuer}/revoke` },
    });

    const reply = await postToken(app, handleForm(await openLogin(app)));
    await request(`${app.url}/auth/v2/revoke`, { form: { token: 'a-token' } });

    expect(reply.status, reply.text()).toBe(200);
    const hostsOf = (endpoint: 'token' | 'revocation') =>
      provider.requestsTo(endpoint).map(({ headers }) => headers.host?.split(':')[0]);
    expect(hostsOf('token')).toEqual(['localhost']);
    expect(hostsOf('revocation')).toEqual(['127.0.0.1']);
    expect(app.logs().join('\n')).toContain('"introspection_endpoint" in the metadata');
  });
});
