import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OidcEvents, type OidcEventName } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import {
  brokerLogin,
  guarded,
  pull,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { intercept } from '../support/intercept-store.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { rawRequest } from '../support/raw-request.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';

const image = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'no-cors',
  'sec-fetch-dest': 'image',
  referer: 'https://evil.example/',
};

interface LogoutOptions {
  readonly bearer?: string;
  readonly headers?: Record<string, string>;
}

const logout = (
  app: { readonly url: string },
  parameters: Record<string, string> = {},
  options: LogoutOptions = {},
): Promise<Reply> =>
  request(`${app.url}/auth/v2/logout?${new URLSearchParams(parameters).toString()}`, options);

describe.each(adapters)('logout of broker mode on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const started = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => started.close());
    return started;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({
      adapter,
      provider,
      clock,
      broker: { signingAlgorithm: 'ES256' },
      options: { allowedPostLogoutRedirectUris: ['/bye'] },
    });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** The refresh token that the provider gave at the last login. */
  const providerToken = (): string => provider.requestsTo('revocation').at(-1)?.body['token'] ?? '';

  it('LO-2: ends session, refresh token and access tokens at once, at the provider too', async () => {
    const [login, another] = [await brokerLogin(app), await brokerLogin(app)];
    const renewed = (await refresh(app, login.refreshToken)).json();
    provider.clearRequests();

    const reply = await logout(app, {}, { bearer: login.accessToken });

    expect(reply.status).toBe(302);
    expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
    expect(await guarded(app, String(renewed['access_token']))).toBe('401 invalid_token');
    expectRefusal(await refresh(app, String(renewed['refresh_token'])), 400, 'invalid_grant');
    expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');
    expect(provider.requestsTo('revocation').map(({ body }) => body['token_type_hint'])).toEqual([
      'refresh_token',
    ]);
    expect(provider.refreshTokenState(providerToken())).toBe('revoked');
    expect(await guarded(app, another.accessToken)).toBe('200');
    expect((await refresh(app, another.refreshToken)).status).toBe(200);
  });

  it('LO-2: reaches another instance with its next pull, without a query in its guard', async () => {
    const { store, calls } = countingStore();
    const { one, other } = await startInstances({ adapter, provider, clock, store });
    const { accessToken, refreshToken } = await brokerLogin(one);
    expect(await guarded(other, accessToken)).toBe('200'); // and remembered there

    await logout(one, {}, { bearer: accessToken });
    expectRefusal(await refresh(other, refreshToken), 400, 'invalid_grant'); // at once
    await pull(other);
    calls.length = 0;

    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
    expect(calls).toEqual([]);
  });

  it('LO-2: survives a restart', async () => {
    const { one, store } = await startInstances({ adapter, provider, clock });
    const { accessToken } = await brokerLogin(one);
    await logout(one, {}, { bearer: accessToken });

    const later = await start({ store, broker: { issuer: 'https://app.example.org' } });

    expect(await guarded(later, accessToken)).toBe('401 invalid_token');
  });

  it('LO-2: ends a token that came by exchange and belongs to no session', async () => {
    const token = mintedToken(await exchange(app, provider.accessToken()));
    const { accessToken } = await brokerLogin(app);

    const reply = await logout(app, {}, { bearer: token });

    expect(reply.status).toBe(302);
    expect(reply.location?.searchParams.has('id_token_hint')).toBe(false);
    expect(await guarded(app, token)).toBe('401 invalid_token');
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('LO-2: ends a session that can no longer be decrypted', async () => {
    const store = new MemoryBrokerStore();
    const other = await start({ store });
    const { accessToken, claims } = await brokerLogin(other);
    intercept(store, 'findSession', async (usual) => ({ ...Object(await usual()), sealed: 'x' }));

    const reply = await logout(other, {}, { bearer: accessToken });

    expect(reply.status).toBe(302);
    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
    expect(await store.findSession(String(claims['sid']), clock.now())).toBeUndefined();
  });

  it.each(['sub', 'iss'])('LO-4: an ID token of another %s is no hint', async (claim) => {
    const other = await start();
    const { sessions, minter } = brokerParts(other.app).ofSessions;
    const { claims } = await brokerLogin(other);
    const open = await sessions.findOpen(String(claims['sid']));
    if (open === undefined) throw new Error('no session');
    const { content } = open;
    const idToken = provider.idToken({ [claim]: 'somebody-else' });
    const planted = await sessions.create({
      loginId: 'another',
      provider: 'default',
      issuer: provider.issuer,
      providerSession: undefined,
      content: { ...content, provider: { ...content.provider, idToken } },
    });
    const sessionId = planted?.session.id;
    const issued = { provider: 'default', clientId: 'my-client', scope: '' };
    const mint = { ...issued, claims: content.claims, notAfter: new Date(8.64e15) };
    const { token } = await minter.mint({ ...mint, sessionId });
    registerIfSecret(token, 'minted access token');

    const reply = await logout(other, {}, { bearer: token });

    expect(reply.status).toBe(302);
    expect(reply.location?.searchParams.has('id_token_hint')).toBe(false);
    expect(await guarded(other, token)).toBe('401 invalid_token');
  });

  it.each([
    ['no credentials', {}],
    ['an image of another site', { headers: image }],
    ['cookies of any kind', { headers: { cookie: 'session=x; sid=y; __Host-session=z' } }],
    ['other credentials', { headers: { authorization: 'Basic eDp5' } }],
    ['a malformed token', { bearer: 'a.b' }],
  ])('LO-3: a request with %s redirects and ends nothing', async (_what, options) => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    provider.clearRequests();

    const reply = await logout(app, { post_logout_redirect_uri: '/bye' }, options);

    expect(reply.status).toBe(302);
    expect(reply.location?.searchParams.has('id_token_hint')).toBe(false);
    expect(provider.requestsTo('revocation')).toEqual([]);
    expect(await guarded(app, accessToken)).toBe('200');
    expect((await refresh(app, refreshToken)).status).toBe(200);
  });

  it('LO-3: a token in the query ends nothing', async () => {
    const { accessToken } = await brokerLogin(app);

    await logout(app, {
      access_token: accessToken,
      token: accessToken,
      id_token_hint: accessToken,
    });

    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('HS-1: two Authorization headers end nothing and are refused', async () => {
    const { accessToken } = await brokerLogin(app);

    const { status } = await rawRequest(app.url, [
      'GET /auth/v2/logout HTTP/1.1',
      `Authorization: Bearer ${accessToken}`,
      'authorization: Bearer x',
    ]);

    expect(status).toBe(400);
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('LG-3: is told to the host: the end of the session, and the logout', async () => {
    const seen: [OidcEventName, unknown][] = [];
    const events = app.app.get(OidcEvents, { strict: false });
    const ends = (['logout', 'session-ended'] as const).map((name) =>
      events.on(name, (event) => seen.push([name, event])),
    );
    const { accessToken } = await brokerLogin(app);

    await logout(app, {}, { bearer: accessToken });
    for (const end of ends) end();

    expect(seen).toEqual([
      [
        'session-ended',
        { provider: 'default', session: expect.stringMatching(/^[0-9a-f]{16}$/), reason: 'logout' },
      ],
      ['logout', { provider: 'default' }],
    ]);
  });

  it('fault 13: a clock that is set back does not bring the session back', async () => {
    const moving = new FakeClock();
    const other = await start({ clock: moving });
    const { accessToken } = await brokerLogin(other);
    moving.advance(60);
    await logout(other, {}, { bearer: accessToken });

    moving.set(new Date(moving.now().getTime() - 60_000));
    await pull(other);

    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });
});
