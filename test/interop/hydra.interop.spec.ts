import { generateKeyPairSync } from 'node:crypto';

import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { BROKER_ENCRYPTION_KEY, guarded } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { ownCallback } from '../support/own-callback.js';
import { TEST_AUDIENCE } from '../support/provider-options.js';
import { expectRefusal } from '../support/refusal.js';
import { hydra } from './support/counterparts.js';
import { HYDRA_USER, type Hydra } from './support/hydra.js';
import { HydraServer } from './support/hydra-server.js';
import { HydraUser } from './support/hydra-user.js';
import { RealTime } from './support/real-time.js';

const counterpart = hydra();
const { skipped } = counterpart;

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clientKeys = [{ key: String(privateKey.export({ format: 'pem', type: 'sec1' })) }];

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Of Hydra itself, opaque or not. */
function tokensOf(reply: Reply): Tokens {
  expect(reply.status, reply.text()).toBe(200);
  const body = reply.json();
  registerIfSecret(body['access_token'], 'access token of Hydra');
  registerIfSecret(body['refresh_token'], 'refresh token of Hydra');
  return {
    accessToken: String(body['access_token']),
    refreshToken: String(body['refresh_token']),
    body,
  };
}

type Given = { [Name in keyof OidcAuthOptions]?: OidcAuthOptions[Name] | undefined };

describe.skipIf(skipped)(`Ory Hydra in passthrough mode${skipped ? ` (${skipped})` : ''}`, () => {
  const clock = new RealTime();
  const apps: TestApp[] = [];
  let server: HydraServer;
  let provider: Hydra;
  /** Only its administration answers it. */
  let introspection: Given;
  let opaque: Given;

  beforeAll(async () => {
    server = await HydraServer.start(counterpart);
    provider = server.hydra;
    introspection = { endpoints: { introspection: provider.introspectionEndpoint } };
    opaque = { ...introspection, introspection: { cacheSec: 30, match: 'ory_at_' } };
  });

  afterAll(() => server?.stop());

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  const start = async (
    clientId: string,
    client: Readonly<Record<string, unknown>>,
    options: Given = {},
    adapter: AdapterName = 'express',
  ): Promise<TestApp> => {
    const app = await startApp({
      adapter,
      provider,
      clock,
      controllers: [GuardedRoutes],
      options: {
        clientId,
        encryptionKeys: [BROKER_ENCRYPTION_KEY],
        scopes: 'profile email orders',
        authorizationParameters: { audience: TEST_AUDIENCE }, // Hydra's own word for it
        ...options,
      },
    });
    apps.push(app);
    await provider.addClient({
      client_id: clientId,
      redirect_uris: ['http://localhost:53100/callback', ownCallback(app)],
      jwks_uri: `${app.url}/auth/v2/.well-known/client-jwks.json`,
      ...client,
    });
    return app;
  };

  const logIn = async (app: TestApp, user = new HydraUser(provider)): Promise<Tokens> => {
    const login = await user.logIn(app, { query: { offline_access: 'true' } });
    return tokensOf(await postToken(app, handleForm(login)));
  };

  describe.each(adapters)('with opaque tokens, on %s', (adapter) => {
    const startOpaque = (name: string, options: Given = {}): Promise<TestApp> =>
      start(`${name}-${adapter}`, {}, { ...opaque, ...options }, adapter);

    it('logs in at our own callback, refreshes, and says who it is', async () => {
      const app = await startOpaque('opaque');
      const user = new HydraUser(provider);

      const back = await user.visit(app, {
        redirectUri: ownCallback(app),
        query: { offline_access: 'true' },
      });
      const first = tokensOf(await user.agent.get(back));
      const second = tokensOf(await postToken(app, { refresh_token: first.refreshToken }));
      const profile = await request(`${app.url}/auth/v2/userinfo`, {
        bearer: second.accessToken,
      });

      expect(first.accessToken).toMatch(/^ory_at_/);
      expect(String(first.body['scope']).split(' ')).toContain('orders');
      expect(await guarded(app, second.accessToken)).toBe('200');
      expect(second.refreshToken).not.toBe(first.refreshToken);
      expect(profile.json()).toMatchObject({ username: 'alice', email: 'alice@example.org' });
      const { sub, ...claims } = await app.service.verify(second.accessToken, {
        scopes: 'orders',
        claims: { 'ext.role': 'editor' },
      });
      expect(sub).toBe(HYDRA_USER);
      expect(claims).toMatchObject({ aud: [TEST_AUDIENCE], client_id: `opaque-${adapter}` });
    });

    it('IN-1: a token that is revoked at Hydra is refused after cacheSec', async () => {
      const app = await startOpaque('revoked');
      const [gone, kept] = [await logIn(app), await logIn(app)];
      expect(await guarded(app, gone.accessToken)).toBe('200');

      await provider.revoke(`revoked-${adapter}`, gone.accessToken);

      expect(await guarded(app, gone.accessToken)).toBe('200');
      clock.pass(30);
      expect(await guarded(app, gone.accessToken)).toBe('401 invalid_token');
      expect(await guarded(app, kept.accessToken)).toBe('200');
    });

    it('LO-2: revocation here is passed on to Hydra', async () => {
      const app = await startOpaque('passed-on');
      const { accessToken, refreshToken } = await logIn(app);

      const reply = await request(`${app.url}/auth/v2/revoke`, { form: { token: refreshToken } });

      expect(reply.status, reply.text()).toBe(200);
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
      expectRefusal(await postToken(app, { refresh_token: refreshToken }), 400, 'invalid_grant');
    });

    it('IN-1: no refresh token, unknown token, or token for another audience or client opens a handler', async () => {
      const app = await startOpaque('refusing', { introspection: true });
      const byClient = await startOpaque('by-client', { audience: false });
      const stranger = `stranger-${adapter}`;
      await provider.addClient({ client_id: stranger, grant_types: ['client_credentials'] });
      const { refreshToken } = await logIn(app);
      const ofOurs = await logIn(byClient);

      for (const refused of [
        refreshToken,
        'ory_at_made-up.by-nobody',
        await provider.tokenFor(stranger, 'other-aud'),
      ]) {
        expect(await guarded(app, refused)).toBe('401 invalid_token');
      }
      expect(await guarded(byClient, ofOurs.accessToken)).toBe('200');
      const ofStranger = await provider.tokenFor(stranger, TEST_AUDIENCE);
      expect(await guarded(byClient, ofStranger)).toBe('401 invalid_token');
      expect(await guarded(app, ofStranger)).toBe('200'); // whoever has a token for this audience
    });

    it('LO-4: a logout without a target goes through Hydra, which takes none without the ID token', async () => {
      const app = await startOpaque('leaving', {
        allowedPostLogoutRedirectUris: ['http://localhost:53100/goodbye'],
      });
      const user = new HydraUser(provider);
      await logIn(app, user);
      const logout = `${app.url}/auth/v2/logout`;
      const target = new URLSearchParams({
        post_logout_redirect_uri: 'http://localhost:53100/goodbye',
      });

      const refused = await user.follow(`${logout}?${target.toString()}`);
      const done = await user.follow(logout);

      expect(refused.searchParams.get('error')).toBe('invalid_request');
      expect(done.searchParams.get('error')).toBeNull();
    });
  });

  describe('with JWTs', () => {
    const jwt = { access_token_strategy: 'jwt' };

    it('verifies them by its keys, and reads their scopes from scp', async () => {
      const app = await start('jwt', jwt);
      const { accessToken } = await logIn(app);

      expect(decodeJwt(accessToken)).toMatchObject({
        scp: expect.arrayContaining(['orders']),
        aud: [TEST_AUDIENCE],
      });
      expect(await guarded(app, accessToken)).toBe('200');
      const claims = await app.service.verify(accessToken, { scopes: ['orders', 'profile'] });
      expect(claims.sub).toBe(HYDRA_USER);
      await expect(app.service.verify(accessToken, { scopes: 'admin' })).rejects.toMatchObject({
        error: 'insufficient_scope',
      });
    });

    it('IN-1: asks about them too where that is wanted, and knows of their revocation', async () => {
      const always = { ...introspection, introspection: { cacheSec: 30, always: true } };
      const app = await start('jwt-always', jwt, always);
      const { accessToken } = await logIn(app);
      expect(await guarded(app, accessToken)).toBe('200');

      await provider.revoke('jwt-always', accessToken);

      clock.pass(30);
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    });
  });

  /** Hydra takes no assertion for its issuer. */
  const byKey = {
    clientSecret: undefined,
    clientKeys,
    assertionAudience: 'token_endpoint',
  } as const;
  const keyClient = {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    request_object_signing_alg: 'ES256',
  };

  it.each([
    ['assertions', {}],
    ['assertions and logins', { signedRequests: true }],
  ])(
    'CA-1: takes %s that are signed with the key of a set that it reads here',
    async (what, more) => {
      const clientId = `by-key-${what.replaceAll(' ', '-')}`;
      const app = await start(clientId, keyClient, { ...opaque, ...byKey, ...more });

      const { accessToken, refreshToken } = await logIn(app);

      expect(await guarded(app, accessToken)).toBe('200');
      tokensOf(await postToken(app, { refresh_token: refreshToken }));
    },
  );

  it('FP-1: sends its answer as a form', async () => {
    const app = await start('by-form', {}, { ...opaque, responseMode: 'form_post' });
    const redirect_uri = ownCallback(app);
    const query = new URLSearchParams({ redirect_uri });
    const begun = await request(`${app.url}/auth/v2/login?${query.toString()}`);
    const [cookie = ''] = begun.headers.getSetCookie()[0]?.split(';') ?? [];

    const { action, fields } = await new HydraUser(provider).answerByForm(String(begun.location));
    const reply = await request(action, { form: fields, headers: { cookie } });

    expect(action.href).toBe(redirect_uri);
    expect(await guarded(app, tokensOf(reply).accessToken)).toBe('200');
  });

  it('gives the application a token of its own, for an audience', async () => {
    const app = await start('service', { grant_types: ['client_credentials'] }, opaque);

    const token = await app.service.clientCredentials({
      scope: 'orders',
      audience: TEST_AUDIENCE,
    });

    expect(await app.service.clientCredentials({ scope: 'orders', audience: TEST_AUDIENCE })).toBe(
      token,
    );
    const claims = await app.service.verify(token, { scopes: 'orders' });
    expect(claims).toMatchObject({ sub: 'service', client_id: 'service' });
  });
});
