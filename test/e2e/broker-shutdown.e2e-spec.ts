import { setTimeout as wait } from 'node:timers/promises';

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { adapters, onEachAdapter, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  brokerTokens,
  guarded,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { INSTANCES_ISSUER } from '../support/broker-instances.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { delay } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';

let clock: FakeClock;
let provider: MisbehavingProvider;

beforeEach(async () => {
  GuardedRoutes.reached.length = 0;
  clock = new FakeClock();
  provider = await startMisbehavingProvider({ clock });
  onTestFinished(() => provider.close());
});

async function start({ broker, ...options }: BrokerAppOptions): Promise<TestApp> {
  const app = await startBrokerApp({
    provider,
    clock,
    ...options,
    broker: { issuer: INSTANCES_ISSUER, ...broker },
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= app.close());
  onTestFinished(close);
  return { ...app, close };
}

/** Whose list of revocations never comes once it is told so. */
class HangingStore extends MemoryBrokerStore {
  hangs = false;
  waiting = 0;

  override async listRevocations(
    ...range: Parameters<MemoryBrokerStore['listRevocations']>
  ): ReturnType<MemoryBrokerStore['listRevocations']> {
    if (this.hangs) {
      this.waiting += 1;
      await new Promise(() => undefined);
    }
    return super.listRevocations(...range);
  }
}

describe.each(adapters)('closing an application in broker mode on %s', (adapter) => {
  it('fault 19: a refresh under way at shutdown ends well, and its lease is given back', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ adapter, store });
    const { claims, refreshToken } = await brokerLogin(app);
    provider.behaviour.faults.token = delay(300);
    provider.clearRequests();
    const underWay = refresh(app, refreshToken);
    while (provider.requestsTo('token').length === 0) await wait(5);

    const begun = performance.now();
    const closed = app.app.close();
    const tokens = brokerTokens(await underWay);
    await closed;

    expect(performance.now() - begun).toBeLessThan(3000);
    const session = await store.findSession(String(claims['sid']), clock.now());
    expect([session?.leaseId, session?.generation]).toEqual([undefined, 2]);
    const next = await start({ adapter, store });
    expect(await guarded(next, tokens.accessToken)).toBe('200');
  });
});

describe('closing an application in broker mode on each adapter', () => {
  it('fault 19: runs nothing on, and closes the store once', async () => {
    await onEachAdapter(async (adapter) => {
      const { store, calls } = countingStore();
      const broker = { revocationPollSec: 1, purgeIntervalSec: 1 };
      const app = await start({ adapter, store, broker });
      await expect.poll(() => calls.includes('purgeExpired'), { timeout: 5000 }).toBe(true);

      const begun = performance.now();
      await app.close();
      expect(performance.now() - begun).toBeLessThan(1000);
      expect(calls.at(-1)).toBe('close');
      const atTheEnd = calls.length;
      await wait(1300);

      expect(calls).toHaveLength(atTheEnd);
      expect(calls.filter((name) => name === 'close')).toHaveLength(1);
    });
  });

  it('fault 19: waits a few seconds at most for a store that never answers', async () => {
    await onEachAdapter(async (adapter) => {
      const store = new HangingStore();
      const app = await start({ adapter, store, broker: { revocationPollSec: 1 } });
      store.hangs = true;
      await expect.poll(() => store.waiting, { timeout: 5000 }).toBe(1);

      const begun = performance.now();
      await app.close();

      expect(performance.now() - begun).toBeLessThan(6000);
    });
  });
});
