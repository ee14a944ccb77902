import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { OidcEvents } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import { brokerLogin, guarded, pull, refresh, startBrokerApp } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { PacedClock } from '../support/paced-clock.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { alice, bob } from '../support/users.js';

/** Collects from now on how far ahead the clocks of others are, as an instance sees it. */
function clockAlarms({ app }: TestApp): number[] {
  const seen: number[] = [];
  app.get(OidcEvents, { strict: false }).on('clocks-differ', ({ aheadSec }) => seen.push(aheadSec));
  return seen;
}

describe.each(flowAdapters)('revocation in broker mode on %s', (adapter) => {
  const options = { publicUrl: 'http://localhost:3999' };
  let provider: MisbehavingProvider;
  let store: MemoryBrokerStore;
  let app: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(async () => {
    store = new MemoryBrokerStore();
    app = await startBrokerApp({ adapter, provider, store, options });
    other = await startBrokerApp({ adapter, provider, store, options });
  });

  afterEach(async () => {
    await app.close();
    await other.close();
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(() => provider.close());

  const logout = (bearer: string): Promise<Reply> =>
    request(`${app.url}/auth/v2/logout`, { bearer });

  it('LO-2: POST revoke ends the session of a refresh token and of an access token, and answers 200 to all else', async () => {
    const [one, two] = [await brokerLogin(app), await brokerLogin(app)];
    provider.clearRequests();
    const revoke = (token: string) => request(`${app.url}/auth/v2/revoke`, { form: { token } });

    for (const token of ['opaque', provider.accessToken(), `${one.refreshToken}x`]) {
      expect((await revoke(token)).status).toBe(200);
    }
    expect(provider.requests).toEqual([]); // nothing of anybody else goes to the provider
    expect(await guarded(app, one.accessToken)).toBe('200');

    expect((await revoke(one.refreshToken)).status).toBe(200);
    expect((await revoke(two.accessToken)).status).toBe(200);

    for (const { accessToken, refreshToken } of [one, two]) {
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    }
  });

  it('LO-2: by subject refuses every token of that subject issued until then, everywhere', async () => {
    const [one, two] = [await brokerLogin(app), await brokerLogin(other)];
    provider.behaviour.user = bob;
    const ofBob = await brokerLogin(app);
    expect(await app.service.listSessions(alice.sub)).toHaveLength(2);

    expect(await app.service.revokeSessions(alice.sub)).toBe(2);
    await pull(other);

    for (const instance of [app, other]) {
      for (const { accessToken } of [one, two]) {
        expect(await guarded(instance, accessToken)).toBe('401 invalid_token');
      }
      expect(await guarded(instance, ofBob.accessToken)).toBe('200');
    }
    expect(await app.service.listSessions(alice.sub)).toEqual([]);
  });

  it('LO-2: 503 and nothing ended while the store is down', async () => {
    const clock = new PacedClock();
    provider.behaviour.now = () => clock.now();
    const paced = await startBrokerApp({ adapter, provider, store, options, clock });
    const { accessToken } = await brokerLogin(paced);
    const end = (): Promise<Reply> =>
      request(`${paced.url}/auth/v2/logout`, { bearer: accessToken });
    const revokeSession = store.revokeSession.bind(store);
    store.revokeSession = () => Promise.reject(new Error('connection lost'));

    expectRefusal(await end(), 503, 'temporarily_unavailable');
    store.revokeSession = revokeSession;

    expect(await guarded(paced, accessToken)).toBe('200');
    expect((await end()).status).toBe(302);
    await paced.close();
  });

  it('LO-2: whoever logs in again in the same second as all sessions ended is let in', async () => {
    const clock = new FakeClock();
    provider.behaviour.now = () => clock.now();
    const still = await startBrokerApp({ adapter, provider, clock });
    const before = await brokerLogin(still);
    await still.service.revokeSessions(alice.sub);

    const after = await brokerLogin(still);

    expect(await guarded(still, before.accessToken)).toBe('401 invalid_token');
    expect(await guarded(still, after.accessToken)).toBe('200');
    await still.close();
  });

  it.each([-130, -3600, 130])(
    'LO-2: an instance whose clock is %i s off ends a session for the others too',
    async (seconds) => {
      const clock = new FakeClock();
      provider.behaviour.now = () => clock.now();
      const off = new FakeClock(new Date(clock.now().getTime() + seconds * 1000));
      const [right, wrong] = [
        await startBrokerApp({ adapter, provider, store, options, clock }),
        await startBrokerApp({ adapter, provider, store, options, clock: off }),
      ];
      const alarms = [right, wrong].map(clockAlarms);
      const { accessToken, claims } = await brokerLogin(right);
      await pull(right);

      expect(await wrong.service.revokeSession(String(claims['sid']))).toBe(true);
      await pull(right);

      expect(await guarded(right, accessToken)).toBe('401 invalid_token');
      expect(await guarded(right, (await brokerLogin(right)).accessToken)).toBe('200');
      expect(alarms.flat()).not.toEqual([]);
      await right.close();
      await wrong.close();
    },
  );

  it('LO-2: a restart with a shorter lifetime of tokens revives none that was revoked', async () => {
    const clock = new FakeClock();
    provider.behaviour.now = () => clock.now();
    const own = new MemoryBrokerStore();
    const start = (accessTokenLifetimeSec: number): Promise<TestApp> =>
      startBrokerApp({
        adapter,
        provider,
        store: own,
        options,
        clock,
        broker: { accessTokenLifetimeSec },
      });
    const before = await start(7200);
    const [ended, kept] = [await brokerLogin(before), await brokerLogin(before)];
    const exp = Math.floor(clock.now().getTime() / 1000) + 7200;
    const exchanged = mintedToken(await exchange(before, provider.accessToken({ exp })));
    await before.close();

    const after = await start(300);
    for (const token of [ended.accessToken, exchanged]) {
      expect((await request(`${after.url}/auth/v2/revoke`, { form: { token } })).status).toBe(200);
    }
    clock.advance(7000);
    await pull(after);
    await brokerParts(after.app).upkeep.purge();
    const restarted = await start(300);

    for (const instance of [after, restarted]) {
      expect(await guarded(instance, ended.accessToken)).toBe('401 invalid_token');
      expect(await guarded(instance, exchanged)).toBe('401 invalid_token');
      expect(await guarded(instance, kept.accessToken)).toBe('200');
      await instance.close();
    }
  });

  it('fault 13: a refresh by an instance whose clock is behind tells so', async () => {
    const clock = new FakeClock();
    provider.behaviour.now = () => clock.now();
    const behind = new FakeClock(new Date(clock.now().getTime() - 20_000));
    const right = await startBrokerApp({ adapter, provider, store, options, clock });
    const wrong = await startBrokerApp({ adapter, provider, store, options, clock: behind });
    const alarms = [right, wrong].map(clockAlarms);
    const { refreshToken } = await brokerLogin(right);

    await refresh(wrong, refreshToken);

    expect(alarms).toEqual([[], expect.arrayContaining([20])]);
    await right.close();
    await wrong.close();
  });

  it.each([4000, 3600])(
    'fault 13: a clock that is set back by %i s revives no token, at once and without a pull',
    async (seconds) => {
      const clock = new FakeClock();
      provider.behaviour.now = () => clock.now();
      const shared = { adapter, provider, store, options, clock };
      const still = await startBrokerApp(shared);
      const [one, two] = [await brokerLogin(still), await brokerLogin(still)];
      for (const { accessToken } of [one, two])
        expect(await guarded(still, accessToken)).toBe('200');
      await still.service.revokeSession(String(one.claims['sid']));
      clock.advance(4500); // the revocation is forgotten
      await pull(still);
      await brokerParts(still.app).upkeep.purge();

      clock.set(new Date(clock.now().getTime() - seconds * 1000));
      const restarted = await startBrokerApp(shared);

      for (const instance of [still, restarted]) {
        expect(await guarded(instance, one.accessToken)).toBe('401 invalid_token');
        expect(await guarded(instance, two.accessToken)).toBe('200');
        await instance.close();
      }
    },
  );

  it('LO-2: an instance that starts takes no token of ours before it knows what was revoked', async () => {
    const { accessToken } = await brokerLogin(app);
    await logout(accessToken);
    const listRevocations = store.listRevocations.bind(store);
    store.listRevocations = () => Promise.reject(new Error('connection lost'));
    const fresh = await startBrokerApp({ adapter, provider, store, options });

    expect(await guarded(fresh, accessToken)).toBe('503 temporarily_unavailable');
    store.listRevocations = listRevocations;
    await pull(fresh);

    expect(await guarded(fresh, accessToken)).toBe('401 invalid_token');
    await fresh.close();
  });
});
