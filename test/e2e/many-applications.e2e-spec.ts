import { executionAsyncResource } from 'node:async_hooks';

import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth, CurrentUser } from '../../lib/index.js';
import { brokerLogin, guarded, refresh, startBrokerApp } from '../support/broker-app.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

@Controller()
class Named {
  constructor(private readonly user: CurrentUser) {}

  @Get('required')
  @Auth()
  required(): object {
    return { sub: this.user.sub };
  }
}

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
    const app = await startBrokerApp({ provider, controllers: [Named] });
    const { accessToken, refreshToken } = await brokerLogin(app);
    expect(await guarded(app, accessToken)).toBe('200');
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
