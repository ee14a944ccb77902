import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OidcEvents, type OidcEventMap } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import {
  brokerLogin,
  brokerTokens,
  guarded,
  pull,
  refresh,
  startBrokerApp,
} from '../support/broker-app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { type SharedDatabase, databaseKinds } from './databases.js';

const servers = databaseKinds.filter(({ name }) => name !== 'SQLite');
const HEALS = { timeout: 30_000, interval: 500 };

describe.each(servers)('an outage of $name', ({ missing, make }) => {
  let provider: MisbehavingProvider;
  let database: SharedDatabase;
  let proxy: TcpProxy;
  let app: TestApp | undefined;

  beforeEach(async () => {
    if (missing) return;
    app = undefined;
    provider = await startMisbehavingProvider();
    database = await make();
    proxy = await TcpProxy.before(database.url);
    GuardedRoutes.reached.length = 0;
  });

  afterEach(async () => {
    if (missing) return;
    await app?.close();
    await proxy.close();
    await provider.close();
    await database.remove();
  });

  const start = async (): Promise<TestApp> => {
    app = await startBrokerApp({
      provider,
      options: { timeoutMs: 3000 },
      broker: { store: proxy.url, revocationPollSec: 1 },
    });
    return app;
  };

  it.skipIf(missing)(
    'fault 8: at start: the application starts, answers 503 where it needs the store, and heals',
    async () => {
      await proxy.close();
      const began = await start();

      expect((await request(`${began.url}/auth/v2/.well-known/jwks.json`)).status).toBe(503);
      expectRefusal(
        await postToken(began, handleForm(await openLogin(began))),
        503,
        'temporarily_unavailable',
      );
      await proxy.open();

      await expect
        .poll(
          async () => (await request(`${began.url}/auth/v2/.well-known/jwks.json`)).status,
          HEALS,
        )
        .toBe(200);
      const { accessToken } = await brokerLogin(began);
      expect(await guarded(began, accessToken)).toBe('200');
    },
  );

  it.skipIf(missing)(
    'fault 9, 10: later: the guard goes on, nothing is spent, and nobody is logged out',
    async () => {
      const running = await start();
      const failures: OidcEventMap['store-failed'][] = [];
      running.app
        .get(OidcEvents, { strict: false })
        .on('store-failed', (event) => failures.push(event));
      const { accessToken, refreshToken } = await brokerLogin(running);
      expect(await guarded(running, accessToken)).toBe('200');
      const open = await openLogin(running);
      const device = await startDevice(running);
      provider.approveDevice(device.userCode);
      await pull(running);
      await proxy.close();
      provider.clearRequests();

      expect(await guarded(running, accessToken)).toBe('200');
      expect((await request(`${running.url}/auth/v2/.well-known/jwks.json`)).status).toBe(200);
      expect((await openLogin(running)).code).not.toBe(''); // GET login goes on too
      const spent = () => provider.requestsTo('token');
      expectRefusal(await refresh(running, refreshToken), 503, 'temporarily_unavailable');
      expectRefusal(await postToken(running, handleForm(open)), 503, 'temporarily_unavailable');
      expectRefusal(await pollDevice(running, device.deviceCode), 400, 'slow_down');
      expect(spent()).toEqual([]);
      expect(failures.length).toBeGreaterThan(0);
      await proxy.open();

      await expect.poll(async () => (await refresh(running, refreshToken)).status, HEALS).toBe(200);
      brokerTokens(await postToken(running, handleForm(open)));
      const replies = await Promise.all([1, 2, 3].map(() => refresh(running, refreshToken)));
      expect(new Set(replies.map((reply) => brokerTokens(reply).refreshToken)).size).toBe(1);
    },
  );

  it.skipIf(missing)(
    'fault 10: a restart between two refreshes costs nothing, not even an error',
    async () => {
      const running = await start();
      const { refreshToken } = await brokerLogin(running);
      await proxy.close();
      await proxy.open();

      const reply = await refresh(running, refreshToken);

      expect(reply.status).toBe(200);
    },
  );
});
