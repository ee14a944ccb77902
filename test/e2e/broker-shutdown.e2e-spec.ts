import { setImmediate as turn } from 'node:timers/promises';

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { adapters, type TestApp } from '../support/app.js';
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
import { delay } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { SteppedClock } from '../support/stepped-clock.js';

/** What upkeep takes for a second: a little less, so that instances do not stay together. */
const aSecond = [850, 1000] as const;

let clock: SteppedClock;
let provider: MisbehavingProvider;

beforeEach(async () => {
  GuardedRoutes.reached.length = 0;
  clock = new SteppedClock();
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
    provider.behaviour.faults.token = delay(100);
    provider.clearRequests();
    const underWay = refresh(app, refreshToken);
    await provider.reached('token');

    const closed = app.app.close();
    const tokens = brokerTokens(await underWay);
    await closed; // and nobody woke who waits for it on this clock

    const session = await store.findSession(String(claims['sid']), clock.now());
    expect([session?.leaseId, session?.generation]).toEqual([undefined, 2]);
    const next = await start({ adapter, store });
    expect(await guarded(next, tokens.accessToken)).toBe('200');
  });

  it('fault 19: runs nothing on, and closes the store once', async () => {
    const { store, calls } = countingStore();
    const broker = { revocationPollSec: 1, purgeIntervalSec: 1 };
    const app = await start({ adapter, store, broker });
    await clock.asleep(aSecond, 5);
    clock.advance(1);
    await expect.poll(() => calls.includes('purgeExpired'), { interval: 5 }).toBe(true);

    await app.close(); // and nobody woke who waits for it on this clock
    expect(calls.at(-1)).toBe('close');
    const atTheEnd = calls.length;
    clock.advance(60);
    await turn();

    expect(calls).toHaveLength(atTheEnd);
    expect(calls.filter((name) => name === 'close')).toHaveLength(1);
  });

  it('fault 19: waits a few seconds at most for a store that never answers', async () => {
    const store = new HangingStore();
    const app = await start({ adapter, store, broker: { revocationPollSec: 1 } });
    await clock.asleep(aSecond, 4);
    store.hangs = true;
    clock.advance(1);
    await expect.poll(() => store.waiting, { interval: 5 }).toBe(1);

    const closed = app.close();
    await clock.asleep(4000);
    clock.advance(4);

    await closed;
  });
});
