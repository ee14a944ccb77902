import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OidcEvents, type OidcEventMap } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  brokerTokens,
  guarded,
  pull,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { INSTANCES_ISSUER } from '../support/broker-instances.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange } from '../support/token-exchange.js';

const get = async (app: TestApp, path: string): Promise<number> =>
  (await request(`${app.url}/auth/v2/${path}`)).status;

describe.each(flowAdapters)('broker mode on %s', (adapter) => {
  let clock: FakeClock;
  let provider: MisbehavingProvider;

  beforeEach(async () => {
    GuardedRoutes.reached.length = 0;
    clock = new FakeClock();
    provider = await startMisbehavingProvider({ clock });
    onTestFinished(() => provider.close());
  });

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const app = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', issuer: INSTANCES_ISSUER, ...broker },
    });
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= app.close());
    onTestFinished(close);
    return { ...app, close };
  };

  it('fault 1: guard, JWKS, logout and revocation work while the provider is down at the start', async () => {
    const store = new MemoryBrokerStore();
    const before = await start({ store });
    const [one, two, three] = [
      await brokerLogin(before),
      await brokerLogin(before),
      await brokerLogin(before),
    ];
    await before.close();
    await provider.stop();

    const app = await start({ store });

    expect(await guarded(app, one.accessToken)).toBe('200');
    expect(await guarded(app, provider.accessToken())).toBe('401 invalid_token');
    expect(await get(app, '.well-known/jwks.json')).toBe(200);
    expect(await get(app, 'userinfo')).toBe(401);
    const logout = await request(`${app.url}/auth/v2/logout`, { bearer: two.accessToken });
    expect([logout.status, logout.headers.get('location')]).toEqual([302, '/']);
    const revoked = await request(`${app.url}/auth/v2/revoke`, {
      form: { token: three.refreshToken },
    });
    expect(revoked.status).toBe(200);
    for (const { accessToken } of [two, three]) {
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    }
    expect(await guarded(app, one.accessToken)).toBe('200');
  });

  it('fault 1: login, device, exchange and refresh are 503 until the provider is back, and lose nothing', async () => {
    const store = new MemoryBrokerStore();
    const before = await start({ store });
    const { refreshToken, accessToken } = await brokerLogin(before);
    await before.close();
    await provider.stop();
    const app = await start({ store });
    const login = `${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`;

    const subject = provider.accessToken();
    for (const reply of [
      await request(login),
      await request(`${app.url}/auth/v2/device`, { form: {} }),
      await exchange(app, subject),
      await refresh(app, refreshToken),
    ]) {
      expectRefusal(reply, 503, 'temporarily_unavailable');
    }
    expectRefusal(await sendLogoutToken(app, logoutToken(provider)), 400, 'invalid_request');

    await provider.start();
    clock.advance(31);

    expect((await request(login)).status).toBe(302);
    expect((await exchange(app, provider.accessToken())).status).toBe(200);
    brokerTokens(await refresh(app, refreshToken));
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('fault 8: starts while the store is down, is 503 until it was read once, and heals', async () => {
    const counting = countingStore();
    counting.down = true;
    const app = await start({ store: counting.store });
    const events: OidcEventMap['store-failed'][] = [];
    app.app.get(OidcEvents, { strict: false }).on('store-failed', (event) => events.push(event));
    const { accessToken } = await brokerLogin(await start());
    provider.clearRequests();

    for (const reply of [
      await request(`${app.url}/required`, { bearer: accessToken }),
      await request(`${app.url}/auth/v2/.well-known/jwks.json`),
      await exchange(app, provider.accessToken()),
    ]) {
      expect([reply.status, reply.json()['error']]).toEqual([503, 'temporarily_unavailable']);
    }
    expect(provider.requests).toEqual([]);
    expect(events[0]).toEqual({ provider: 'default', reason: expect.stringMatching(/^\w+/) });
    expect(JSON.stringify(events)).not.toContain('postgres');

    counting.down = false;

    await expect.poll(() => get(app, '.well-known/jwks.json'), { timeout: 5000 }).toBe(200);
    expect(await guarded(app, (await brokerLogin(app)).accessToken)).toBe('200');
  });

  it('fault 9: guard, JWKS and login go on from memory while the store is down later', async () => {
    const counting = countingStore();
    const app = await start({ store: counting.store });
    const { accessToken, refreshToken } = await brokerLogin(app);
    const fresh = await brokerLogin(app); // never shown to the guard before
    await pull(app);
    counting.down = true;
    provider.clearRequests();

    expect(await guarded(app, accessToken)).toBe('200');
    expect(await guarded(app, fresh.accessToken)).toBe('200');
    expect(await get(app, '.well-known/jwks.json')).toBe(200);
    expect(await get(app, 'login?redirect_uri=http://localhost:53100/callback')).toBe(302);
    expectRefusal(await refresh(app, refreshToken), 503, 'temporarily_unavailable');
    expect(provider.requestsTo('token')).toEqual([]);

    counting.down = false;
    brokerTokens(await refresh(app, refreshToken));
  });

  it('fault 13: a clock that is a few seconds off between instances changes nothing', async () => {
    const store = new MemoryBrokerStore();
    const behind = new FakeClock(new Date(clock.now().getTime() - 5000));
    const one = await start({ store });
    const other = await start({ store, clock: behind });

    const { accessToken, refreshToken } = await brokerLogin(one); // issued in the future of the other

    expect(await guarded(other, accessToken)).toBe('200');
    expect(await guarded(one, brokerTokens(await refresh(other, refreshToken)).accessToken)).toBe(
      '200',
    );
    await one.service.revoke(accessToken);
    await pull(other);
    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });

  it('fault 13: beyond the tolerance a token is refused, and the log says why', async () => {
    const store = new MemoryBrokerStore();
    const behind = new FakeClock(new Date(clock.now().getTime() - 60_000));
    const one = await start({ store });
    const other = await start({ store, clock: behind });
    const { accessToken } = await brokerLogin(one);

    expect(await guarded(other, accessToken)).toBe('401 invalid_token');

    expect(other.logs().join('\n')).toMatch(/refused \(401 invalid_token\): iat/);
  });

  it('fault 13: a clock that is set back revives no token, revoked by session, by itself or by user', async () => {
    const app = await start();
    const [one, two, three] = [
      await brokerLogin(app),
      (await exchange(app, provider.accessToken())).json(),
      await brokerLogin(app),
    ];
    await app.service.revoke(one.refreshToken);
    await app.service.revoke(String(two['access_token']));
    await app.service.revokeSessions(String(three.claims['sub']));

    clock.set(new Date(clock.now().getTime() - 3_000));
    await pull(app);

    for (const token of [one.accessToken, String(two['access_token']), three.accessToken]) {
      expect(await guarded(app, token)).toBe('401 invalid_token');
    }
  });
});
