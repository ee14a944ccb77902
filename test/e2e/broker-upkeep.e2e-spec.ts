import { EventEmitter, once } from 'node:events';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { aSession } from '../../lib/testing/store-contract/rows.js';
import type { TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import { brokerLogin, guarded, pull, startBrokerApp } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { SteppedClock } from '../support/stepped-clock.js';

/** Tells how often each of its methods that upkeep uses was called. */
class WatchedStore extends MemoryBrokerStore {
  readonly calls = { purge: 0, revocations: 0, keys: 0 };

  override purgeExpired(...call: Parameters<MemoryBrokerStore['purgeExpired']>) {
    this.calls.purge += 1;
    return super.purgeExpired(...call);
  }

  override listRevocations(...call: Parameters<MemoryBrokerStore['listRevocations']>) {
    this.calls.revocations += 1;
    return super.listRevocations(...call);
  }

  override listSigningKeys() {
    this.calls.keys += 1;
    return super.listSigningKeys();
  }
}

const ended = (secondsAgo: number) =>
  aSession({ expiresAt: new Date(Date.now() - secondsAgo * 1000) });

describe('the upkeep of broker mode', () => {
  let provider: MisbehavingProvider;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(() => provider.close());

  async function start(options: Parameters<typeof startBrokerApp>[0]): Promise<TestApp> {
    const app = await startBrokerApp({ provider, ...options });
    apps.push(app);
    return app;
  }

  it('ST-5: removes what has expired in batches, by itself', async () => {
    const store = new WatchedStore();
    const past = new Date(Date.now() - 3_600_000);
    for (let at = 0; at < 1200; at += 1) await store.createSession(aSession({ expiresAt: past }));

    const clock = new SteppedClock();
    await start({ store, clock, broker: { purgeIntervalSec: 1 } });
    await clock.asleep([850, 1000]);
    clock.advance(1);
    for (let batch = 1; batch <= 3; batch += 1) {
      await clock.asleep(50);
      expect(store.calls.purge).toBe(batch);
      clock.advance(0.05);
    }

    expect(await store.purgeExpired(new Date(), 10)).toBe(0);
  });

  it('ST-5: can be asked to purge, and leaves what is young enough for a clock that differs', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store, broker: { purgeIntervalSec: 0 } });
    for (const session of [ended(3600), ended(3600), ended(5)]) await store.createSession(session);

    expect(await brokerParts(app.app).upkeep.purge()).toBe(2);
  });

  it('LO-2: pulls revocations while the host is slow to name its trusted issuers', async () => {
    const store = new WatchedStore();
    const gate = new EventEmitter();
    const trustedIssuers = () => once(gate, 'named').then(() => []);
    const clock = new SteppedClock();
    await start({ store, clock, broker: { revocationPollSec: 1, trustedIssuers } });
    const before = store.calls.revocations;

    for (let turns = 0; turns < 2; turns += 1) {
      await clock.asleep([850, 1000], 3);
      clock.advance(1);
    }

    await expect.poll(() => store.calls.revocations, { interval: 5 }).toBe(before + 2);
    gate.emit('named'); // closing would wait for it
  });

  it('fault 13: a clock that is set back revives no token that was revoked', async () => {
    const clock = new FakeClock();
    provider.behaviour.now = () => clock.now();
    const app = await start({ store: new MemoryBrokerStore(), clock });
    const { accessToken, claims } = await brokerLogin(app);
    const issued = clock.now();
    await app.service.revokeSession(String(claims['sid']));

    clock.advance(3000);
    await pull(app);
    clock.set(new Date(issued.getTime() + 60_000));
    await pull(app);

    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    provider.resetBehaviour();
  });
});
