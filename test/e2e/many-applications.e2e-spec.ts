import { executionAsyncResource } from 'node:async_hooks';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { brokerLogin, refresh, startBrokerApp } from '../support/broker-app.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

/** How many storages Node before 24 gives a value of to each promise. */
async function storagesOfAPromise(): Promise<number> {
  await Promise.resolve();
  return Object.getOwnPropertySymbols(executionAsyncResource()).length;
}

describe('applications, and providers, that come and go in one process', () => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  const live = async (): Promise<void> => {
    const app = await startBrokerApp({ provider });
    const { refreshToken } = await brokerLogin(app);
    expect((await refresh(app, refreshToken)).status).toBe(200);
    await app.close();
  };

  it('leave nothing behind that every later promise would pay for', async () => {
    await live();
    const before = await storagesOfAPromise();

    await live();
    await live();

    expect(await storagesOfAPromise()).toBe(before);
  });
});
