import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerTokens } from '../support/broker-app.js';
import { Browser, PageRoutes, startBrowserApp } from '../support/browser-sessions.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin } from '../support/open-login.js';
import { alice, bob } from '../support/users.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0';

describe.each(adapters)('where a user is logged in, on %s', (adapter) => {
  const clock = new FakeClock();
  const store = new MemoryBrokerStore();
  let provider: MisbehavingProvider;
  let app: TestApp;

  const start = async (options: Parameters<typeof startBrowserApp>[0] = {}): Promise<TestApp> => {
    const controllers = [GuardedRoutes, PageRoutes];
    const given = { adapter, provider, clock, controllers, ...options };
    const started = await startBrowserApp(given);
    onTestFinished(() => started.close());
    return started;
  };

  /** Logs a browser in that says what it is; its claims. */
  const logIn = async (at = app, userAgent = FIREFOX) => {
    const browser = new Browser(at, () => clock.now().getTime());
    await browser.agent.get(`${at.url}/auth/v2/login?return_to=/claims`, {
      headers: { 'user-agent': userAgent },
      follow: ({ pathname }) => pathname !== '/claims',
    });
    const { iss, sub, sid, exp } = (await browser.send('/claims')).json();
    const claims = { iss: String(iss), sub: String(sub), sid: String(sid), exp: Number(exp) };
    return { browser, claims };
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrowserApp({ adapter, provider, clock, store });
  });

  beforeEach(async () => {
    provider.resetBehaviour();
    clock.advance(60);
    for (const { sub } of [alice, bob]) await app.service.revokeSessions(sub);
    clock.advance(60); // what is issued from here on is not meant by that
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('is told with device, times and which one is the caller’s own', async () => {
    const first = await logIn();
    clock.advance(10);
    const createdAt = clock.now();
    const second = await logIn(app, 'curl/8.5.0');
    clock.advance(400);
    await second.browser.send('/claims');

    const listed = await app.service.listSessions(second.claims);

    expect(listed).toMatchObject([
      { id: second.claims.sid, device: 'curl', current: true, createdAt, usedAt: clock.now() },
      { id: first.claims.sid, device: 'Firefox on Linux', current: false },
    ]);
    expect(listed.map((session) => Object.hasOwn(session, 'address'))).toEqual([false, false]);
    const byId = await app.service.listSessions(alice.sub);
    expect(byId.map(({ current }) => current)).toEqual([false, false]);
  });

  it('is told of clients with tokens too, and of those that say nothing', async () => {
    const login = async (headers: Record<string, string>) => {
      const form = handleForm(await openLogin(app));
      return brokerTokens(await request(`${app.url}/auth/v2/token`, { form, headers }));
    };
    const { accessToken } = await login({ 'user-agent': 'python-httpx/0.28.1' });
    clock.advance(10);
    await login({});

    const listed = await app.service.listSessions(await app.service.verify(accessToken));

    expect(listed.map(({ device, current }) => [device, current])).toEqual([
      [undefined, false],
      ['Python', true],
    ]);
  });

  it('still says the device after the provider renewed the session', async () => {
    const { browser, claims } = await logIn();
    clock.advance(3600);
    await browser.send('/claims');

    const [session] = await app.service.listSessions(claims);

    expect(provider.requestsTo('token').at(-1)?.body['grant_type']).toBe('refresh_token');
    expect(session?.device).toBe('Firefox on Linux');
  });

  it('ST-1: names the address by option alone, and neither it nor the device is in the store in clear', async () => {
    const other = new MemoryBrokerStore();
    const at = await start({ store: other, broker: { sessionAddresses: true } });
    const [{ claims }, told] = [await logIn(), await logIn(at)];

    expect(await at.service.listSessions(told.claims)).toMatchObject([{ address: '127.0.0.1' }]);
    expect((await app.service.listSessions(claims))[0]).not.toHaveProperty('address');
    for (const [kept, { sid }] of [
      [store, claims],
      [other, told.claims],
    ] as const) {
      const row = JSON.stringify(await kept.findSession(sid, clock.now()));
      expect(row).toContain(sid);
      for (const value of ['127.0.0.1', 'Firefox', 'Linux']) expect(row).not.toContain(value);
    }
  });

  it('is ended one by one, by nobody else', async () => {
    const mine = await logIn();
    const elsewhere = await logIn();
    provider.behaviour.user = bob;
    const theirs = await logIn();
    const { service } = app;
    const idOf = ({ claims }: typeof mine) => claims.sid;

    expect(await service.revokeSession(mine.claims, idOf(theirs))).toBe(false);
    expect(await service.revokeSession(mine.claims, 'nothing')).toBe(false);
    expect(await service.revokeSession(undefined, idOf(elsewhere))).toBe(false);
    const foreign = { ...mine.claims, iss: 'https://other.example.org' };
    expect(await service.revokeSession(foreign, idOf(elsewhere))).toBe(false);
    expect(await theirs.browser.who()).toBe(bob.sub);
    expect(await elsewhere.browser.who()).toBe(alice.sub);

    expect(await service.revokeSession(mine.claims, idOf(elsewhere))).toBe(true);
    expect(await service.revokeSession(mine.claims, idOf(elsewhere))).toBe(false);
    expect(await elsewhere.browser.who()).toBe('401 invalid_token');
    expect(await mine.browser.who()).toBe(alice.sub);
    expect(await service.revokeSession(bob.sub, idOf(theirs))).toBe(true);
  });
});
