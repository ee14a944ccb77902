import { generateKeyPairSync } from 'node:crypto';

import { type JWK, createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { codesOf } from '../support/diagnosed.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, postToken } from '../support/open-login.js';
import { startProvider, type ProviderOptions, type TestProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clientKeys = [{ key: privateKey.export({ format: 'jwk' }), kid: 'signs' }];
const keySet: { keys: JWK[] } = {
  keys: [{ ...publicKey.export({ format: 'jwk' }), kty: 'EC', kid: 'signs', alg: 'ES256' }],
};

async function realProvider(options: ProviderOptions = {}): Promise<TestProvider> {
  const provider = await startProvider({
    client: { jwks: keySet, request_object_signing_alg: 'ES256' },
    ...options,
  });
  ends.push(() => provider.close());
  return provider;
}

async function misbehaving(metadata: object = {}): Promise<MisbehavingProvider> {
  const provider = await startMisbehavingProvider();
  provider.behaviour.metadata = (document) => ({ ...document, ...metadata });
  ends.push(() => provider.close());
  return provider;
}

async function appWith(
  provider: TestProvider | MisbehavingProvider,
  options: Partial<OidcAuthOptions>,
): Promise<TestApp> {
  const clientAuthentication = 'client_secret_basic';
  const app = await startApp({ provider, options: { clientAuthentication, ...options } });
  ends.push(() => app.close());
  return app;
}

const loginUrl = (app: TestApp, more = {}): string =>
  `${app.url}/auth/v2/login?${new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT, ...more }).toString()}`;

async function statusOfLogin(app: TestApp, provider: TestProvider): Promise<number> {
  const back = new URL(await new UserAgent().loginAt(provider, loginUrl(app), 'alice'));
  const state = back.searchParams.get('state') ?? '';
  const reply = await postToken(app, {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: LOOPBACK_REDIRECT,
    code_verifier: state.slice(state.lastIndexOf('|') + 1),
  });
  return reply.status;
}

describe('a provider that takes signed logins alone', () => {
  it.each([
    ['signs them by the option', { signedRequests: true, clientKeys }, {}],
    ['signs them because the metadata demand it', { clientKeys }, {}],
    ['pushes and signs them', { signedRequests: true, clientKeys }, { requirePush: true }],
    [
      'proves itself by key besides',
      { clientKeys, clientAuthentication: 'private_key_jwt' },
      {
        clientAuth: 'private_key_jwt',
        client: { jwks: keySet, token_endpoint_auth_signing_alg: 'ES256' },
      },
    ],
  ] as const)('PR-1: lets in an application that %s', async (_, options, demands) => {
    const provider = await realProvider({ requireSignature: true, ...demands });
    const app = await appWith(provider, options);

    expect(await statusOfLogin(app, provider)).toBe(200);
  });

  it('gets no login from an application without a key, which the log explains', async () => {
    const provider = await realProvider({ requireSignature: true });
    const app = await appWith(provider, {});

    const reply = await request(loginUrl(app));

    expect([reply.status, reply.location]).toEqual([502, undefined]);
    expect(app.logs().join('\n')).toMatch(/takes signed logins alone; see "clientKeys"/);
  });
});

describe('a signed login', () => {
  it('PR-1: is one JWT for the issuer that lives a minute, and says nothing else in the address', async () => {
    const provider = await misbehaving();
    const app = await appWith(provider, {
      clientKeys,
      signedRequests: true,
      resource: ['https://api.example.org/', 'urn:x'],
      authorizationParameters: { audience: 'orders' },
    });

    const { location } = await request(loginUrl(app));
    const sent = location?.searchParams;
    const { payload, protectedHeader } = await jwtVerify(
      sent?.get('request') ?? '',
      createLocalJWKSet(keySet),
    );

    expect([...(sent?.keys() ?? [])].toSorted()).toEqual([
      'client_id',
      'request',
      'response_type',
      'scope',
    ]);
    expect(protectedHeader).toEqual({
      alg: 'ES256',
      kid: 'signs',
      typ: 'oauth-authz-req+jwt',
    });
    expect(payload).toMatchObject({
      iss: 'my-client',
      aud: provider.issuer,
      client_id: 'my-client',
      response_type: 'code',
      redirect_uri: LOOPBACK_REDIRECT,
      scope: sent?.get('scope'),
      code_challenge_method: 'S256',
      resource: ['https://api.example.org/', 'urn:x'],
      audience: 'orders',
      jti: expect.any(String),
      state: expect.any(String),
      nonce: expect.any(String),
    });
    expect((payload.exp ?? Infinity) - (payload.iat ?? 0)).toBe(60);
  });

  it('never comes twice, and has the thumbprint of a certificate in its header', async () => {
    const provider = await misbehaving();
    const app = await appWith(provider, {
      clientKeys: [{ key: privateKey.export({ format: 'jwk' }), kid: 'signs', x5t: 'thumb' }],
      signedRequests: true,
    });

    const sent = await Promise.all([request(loginUrl(app)), request(loginUrl(app))]);
    const read = await Promise.all(
      sent.map(({ location }) =>
        jwtVerify(location?.searchParams.get('request') ?? '', createLocalJWKSet(keySet)),
      ),
    );

    expect(new Set(read.map(({ payload }) => payload.jti)).size).toBe(2);
    expect(read[0]?.protectedHeader['x5t']).toBe('thumb');
  });

  it('PR-1: is pushed as a whole', async () => {
    const provider = await misbehaving();
    const app = await appWith(provider, {
      clientKeys,
      signedRequests: true,
      pushedAuthorizationRequests: 'always',
      endpoints: { pushedAuthorization: `${provider.issuer}/push` },
    });

    const { location } = await request(loginUrl(app));

    expect(Object.keys(provider.requestsTo('push')[0]?.body ?? {}).toSorted()).toEqual([
      'client_id',
      'request',
    ]);
    expect([...(location?.searchParams.keys() ?? [])].toSorted()).toEqual([
      'client_id',
      'request_uri',
    ]);
  });

  it("PR-1: never holds a caller's request, request_uri or claims", async () => {
    const provider = await misbehaving();
    const app = await appWith(provider, { clientKeys, signedRequests: true });

    const evil = { request: 'evil', request_uri: 'urn:evil', claims: '{}', response_mode: 'jwt' };
    const { location } = await request(loginUrl(app, evil));
    const { payload } = await jwtVerify(
      location?.searchParams.get('request') ?? '',
      createLocalJWKSet(keySet),
    );

    expect(location?.searchParams.has('request_uri')).toBe(false);
    for (const name of Object.keys(evil)) expect(payload).not.toHaveProperty(name);
  });
});

describe('the diagnosis of signed logins', () => {
  it('finds nothing at a provider that takes them alone', async () => {
    const provider = await realProvider({ requireSignature: true, requirePush: true });
    const app = await appWith(provider, { clientKeys });

    expect(await app.service.diagnose()).toMatchObject({ ok: true, findings: [] });
  });

  it.each([
    ['signature-demanded', 'error', { require_signed_request_object: true }, {}],
    ['request-unlisted', 'warning', {}, { clientKeys, signedRequests: true }],
    [
      'request-unlisted',
      'error',
      { request_parameter_supported: false },
      { clientKeys, signedRequests: true },
    ],
    [
      'request-unlisted',
      'error',
      {
        request_parameter_supported: true,
        request_object_signing_alg_values_supported: ['RS256', 'none'],
      },
      { clientKeys, signedRequests: true },
    ],
  ])('finds %s (%s) with the metadata %j', async (code, severity, metadata, options) => {
    const provider = await misbehaving(metadata);
    const app = await appWith(provider, options);

    const diagnosis = await app.service.diagnose();

    expect(codesOf(diagnosis)).toContain(code);
    expect(diagnosis.findings.find((one) => one.code === code)).toMatchObject({ severity });
  });

  it('says which redirect URI a push was refused for', async () => {
    const provider = await realProvider({ requirePush: true, anyLoopbackRedirect: false });
    const app = await appWith(provider, {});

    expect(codesOf(await app.service.diagnose())).toEqual(['redirect-uri-not-registered']);
  });
});
