import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OidcEvents } from '../../lib/index.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { startProvider } from '../support/provider.js';
import { TEST_CLIENT_ID } from '../support/provider-options.js';
import { UserAgent } from '../support/user-agent.js';

const navigation = {
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};
const image = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'no-cors',
  'sec-fetch-dest': 'image',
  referer: 'https://evil.example/',
};

describe.each(adapters)('logout on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const logout = (
    parameters: Record<string, string> = {},
    options: { bearer?: string; headers?: Record<string, string> } = {},
    from: TestApp = app,
  ): Promise<Reply> =>
    request(`${from.url}/auth/v2/logout?${new URLSearchParams(parameters).toString()}`, options);

  const start = async (options: Partial<AppOptions>): Promise<TestApp> => {
    const started = await startApp({ adapter, provider, ...options });
    onTestFinished(() => started.close());
    return started;
  };

  it.each([
    ['a navigation', navigation],
    ['an image of another site', image],
    ['a request without fetch metadata', {}],
  ])('LO-3: without a token %s redirects and revokes nothing', async (_what, headers) => {
    const { refresh_token } = (await postToken(app, handleForm(await openLogin(app)))).json();
    provider.clearRequests();

    const reply = await logout({}, { headers: { ...headers, cookie: 'session=x; sid=y' } });

    expect(reply.status).toBe(302);
    expect(reply.headers.getSetCookie()).toEqual([]);
    expect(provider.requests).toEqual([]);
    expect(provider.refreshTokenState(String(refresh_token))).toBe('live');
  });

  it('LO-3: a bearer token, good or bad, changes nothing of it', async () => {
    for (const bearer of [provider.accessToken(), 'not-a-token', 'a.b.c']) {
      const reply = await logout({}, { bearer, headers: image });
      expect(reply.status).toBe(302);
      expect(reply.location?.origin).toBe(provider.issuer);
      expect(reply.location?.href).not.toContain(bearer);
    }

    expect(provider.requestsTo('revocation')).toEqual([]);
  });

  it('LO-3: takes GET only, so that no form of another site can post to it', async () => {
    const reply = await request(`${app.url}/auth/v2/logout`, { form: {} });

    expect(reply.status).toBe(404);
  });

  it('LO-4: sends client id, target and state, and nothing else', async () => {
    const { location } = await logout({ post_logout_redirect_uri: '/', state: 's' });

    expect(location?.pathname).toBe('/logout');
    expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
      client_id: TEST_CLIENT_ID,
      post_logout_redirect_uri: `${app.url}/`,
      state: 's',
    });
  });

  it('LO-4: sends no id_token_hint, neither of the caller nor made of the bearer token', async () => {
    const hint = provider.idToken();

    const reply = await logout(
      { id_token_hint: hint, logout_hint: 'bob', ui_locales: 'x', client_id: 'other' },
      { bearer: provider.accessToken() },
    );

    expect(Object.fromEntries(reply.location?.searchParams ?? [])).toEqual({
      client_id: TEST_CLIENT_ID,
    });
  });

  it("LO-4: keeps the endpoint's own query", async () => {
    provider.behaviour.metadata = (document) => ({
      ...document,
      end_session_endpoint: `${provider.issuer}/logout?p=b2c_1_policy&ui=x%26y`,
    });
    const other = await start({});

    const { location } = await logout({ post_logout_redirect_uri: '/', state: 's' }, {}, other);

    expect(Object.fromEntries(location?.searchParams ?? [])).toEqual({
      p: 'b2c_1_policy',
      ui: 'x&y',
      client_id: TEST_CLIENT_ID,
      post_logout_redirect_uri: `${other.url}/`,
      state: 's',
    });
  });

  it('LO-4: uses the override of the endpoint', async () => {
    const endSession = 'https://login.example.org/out?x=1';
    const other = await start({ options: { endpoints: { endSession } } });

    const { location } = await logout({}, {}, other);

    expect(location?.href).toBe(`${endSession}&client_id=${TEST_CLIENT_ID}`);
  });

  it('LO-4: redirects while the provider is down although its metadata is known', async () => {
    const other = await start({});
    await logout({}, {}, other);
    await provider.stop();

    const begun = performance.now();
    const reply = await logout({ post_logout_redirect_uri: '/' }, {}, other);
    const took = performance.now() - begun;
    await provider.start();

    expect(reply.status).toBe(302);
    expect(took).toBeLessThan(1000);
  });

  it('LO-4: redirects to the target while the provider is down and was never known', async () => {
    await provider.stop();
    const other = await start({ options: { allowedPostLogoutRedirectUris: ['/bye'] } });

    const reply = await logout({ post_logout_redirect_uri: '/bye', state: 's' }, {}, other);
    const plain = await logout({}, {}, other);
    await provider.start();

    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/bye?state=s']);
    expect([plain.status, plain.headers.get('location')]).toEqual([302, '/']);
  });

  it('LO-4: refuses a state that is too long or comes twice', async () => {
    expect((await logout({ state: 'x'.repeat(1025) })).status).toBe(400);
    expect((await request(`${app.url}/auth/v2/logout?state=a&state=b`)).status).toBe(400);
  });

  it('LO-4: goes through a real provider and back to the target with its state', async () => {
    const real = await startProvider();
    onTestFinished(() => real.close());
    const other = await start({
      provider: real,
      options: { allowedPostLogoutRedirectUris: ['/bye'] },
    });
    const agent = new UserAgent();
    await agent.loginAt(
      real,
      `${other.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`,
      'alice',
    );

    const end = await agent.logoutAt(
      real,
      `${other.url}/auth/v2/logout?post_logout_redirect_uri=/bye&state=s`,
    );

    expect(end).toBe(`${other.url}/bye?state=s`);
  });

  it('LO-4: is told to the host as an event', async () => {
    const seen: unknown[] = [];
    const end = app.app
      .get(OidcEvents, { strict: false })
      .on('logout', (event) => seen.push(event));

    await logout();
    await logout({ post_logout_redirect_uri: '//evil.example' });
    end();

    expect(seen).toEqual([{ provider: 'default' }]);
  });
});
