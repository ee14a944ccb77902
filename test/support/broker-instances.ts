import { onTestFinished } from 'vitest';

import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { TestApp } from './app.js';
import { startBrokerApp, type BrokerAppOptions } from './broker-app.js';

/** The one public name of all instances. */
export const INSTANCES_ISSUER = 'https://app.example.org';

/** Two instances of one application behind a balancer: one name, one store. */
export interface Instances {
  readonly one: TestApp;
  readonly other: TestApp;
  readonly store: BrokerStore;
}

/** Starts two instances, which look for what the other did only when a test calls `pull()`, or after 8 s. They end with the test. */
export async function startInstances({
  store = new MemoryBrokerStore(),
  broker,
  ...options
}: BrokerAppOptions): Promise<Instances> {
  const shared: BrokerAppOptions = {
    store,
    ...options,
    broker: {
      issuer: INSTANCES_ISSUER,
      signingAlgorithm: 'ES256',
      revocationPollSec: 10,
      ...broker,
    },
  };
  const [one, other] = await Promise.all([startBrokerApp(shared), startBrokerApp(shared)]);
  onTestFinished(async () => {
    await Promise.all([one.close(), other.close()]);
  });
  return { one, other, store };
}
