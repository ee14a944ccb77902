import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { FetchFunction, OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { guarded, startBrokerApp } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';
import { noDeviceLogins, pollsEverySecond } from './support/changed-answers.js';
import { python } from './support/counterparts.js';
import { PythonClient, type ClientRun } from './support/python-client.js';

const { at, skipped } = python();

type Mode = 'passthrough' | 'broker';
const modes: readonly Mode[] = ['passthrough', 'broker'];
const everywhere = adapters.flatMap((adapter) => modes.map((mode) => ({ adapter, mode })));

/** Less than the 60 s that the client wants a token to last: it refreshes whenever it is asked for one. */
const SHORT_SEC = 45;

describe.skipIf(skipped)(`The Python client${skipped ? ` (${skipped})` : ''}`, () => {
  const apps: TestApp[] = [];
  let provider: TestProvider;
  let client: PythonClient;

  beforeAll(async () => {
    provider = await startProvider({ lifetimes: { AccessToken: SHORT_SEC } });
  });

  afterAll(async () => {
    await provider.close();
  });

  beforeEach(async () => {
    client = await PythonClient.install(at);
    provider.clearRequests();
  });

  afterEach(async () => {
    await client.uninstall();
    for (const app of apps.splice(0)) await app.close();
  });

  const start = async (
    { adapter, mode }: { adapter: AdapterName; mode: Mode },
    { lifetimeSec = 3600, fetch = pollsEverySecond, idp = provider, off = {} }: Setting = {},
  ): Promise<TestApp> => {
    const options = { fetch, ...off };
    const common = { adapter, provider: idp, controllers: [GuardedRoutes], options };
    const app = await (mode === 'broker'
      ? startBrokerApp({ ...common, broker: { accessTokenLifetimeSec: lifetimeSec } })
      : startApp(common));
    apps.push(app);
    return app;
  };

  const approve = async (run: ClientRun): Promise<void> => {
    await provider.approveDevice(userCodeOf(await run.url));
  };

  describe.each(everywhere)('in $mode mode on $adapter', (where) => {
    it('DV-1: logs in by device flow, and uses what it stored from then on', async () => {
      const app = await start(where);
      const run = client.logIn(app.url);

      await approve(run);
      const { code, json, stderr } = await run.result;

      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
      const { access_token: accessToken } = json;
      expect(await guarded(app, String(accessToken), '/admins')).toBe('200');
      expect(await client.stored(app.url)).toEqual(json);
      if (where.mode === 'passthrough') return; // the provider's token lasts less than 60 s
      expect((await client.logIn(app.url).result).json).toEqual(json);
    });

    it('logs in by browser where the provider has no device flow', async () => {
      const app = await start(where, { fetch: noDeviceLogins });
      const run = client.logIn(app.url);
      const agent = new UserAgent();

      const back = await agent.loginAt(provider, await run.url, 'alice');
      expect(new URL(back).origin).toMatch(/^http:\/\/localhost:5310\d$/);
      expect((await agent.get(back)).text()).toContain('Login successful');
      const { code, json } = await run.result;

      expect(code).toBe(0);
      expect(await guarded(app, String(json['access_token']), '/admins')).toBe('200');
      expect(json['refresh_expires']).toBeGreaterThan(Date.now() / 1000 + 86_400);
    });

    it.each<Partial<OidcAuthOptions>>([
      { grants: { device: false } },
      { routes: { device: false } },
    ])(
      'DV-4: goes on to the browser where device logins are switched off here: %j',
      async (off) => {
        const app = await start(where, { off });
        const run = client.logIn(app.url);

        const opened = new URL(await run.url);
        run.stop(); // each login that ends keeps one of its six ports for a minute

        expect(opened.origin + opened.pathname).toBe(`${app.url}/auth/v2/login`);
        expect(provider.requestsTo('/device/auth')).toEqual([]);
      },
    );

    it('keeps its session for as long as it is used, by one refresh after another', async () => {
      const app = await start(where, { lifetimeSec: SHORT_SEC });
      const first = client.logIn(app.url);
      await approve(first);
      const { json: before } = await first.result;
      provider.clearRequests();

      const { code, json: after } = await client.keepUsing(app.url, 20).result;

      expect(code).toBe(0);
      expect(provider.requestsTo('/device/auth')).toEqual([]);
      expect(provider.requestsTo('/token')).toHaveLength(20);
      expect(after['refresh_token']).not.toBe(before['refresh_token']);
      expect(await client.stored(app.url)).toEqual(after);
      expect(await guarded(app, String(after['access_token']), '/admins')).toBe('200');
    });

    it('DV-1: stops when the user refuses', async () => {
      const app = await start(where);
      const run = client.logIn(app.url);

      await provider.denyDevice(userCodeOf(await run.url));
      const { code, stderr } = await run.result;

      expect(code).toBe(1);
      expect(stderr).toContain('Device flow failed: access_denied');
    });
  });

  describe.each([
    { adapter: adapters[0], mode: modes[0] },
    { adapter: adapters[1], mode: modes[1] },
  ])('in $mode mode on $adapter', ({ adapter, mode = 'broker' }) => {
    it('DV-1: stops when nobody came in time', async () => {
      const idp = await startProvider({ lifetimes: { DeviceCode: 1 } });
      const app = await start({ adapter, mode }, { idp });

      const { code, stderr } = await client.logIn(app.url).result;
      await idp.close();

      expect(code).toBe(1);
      // What the provider says depends on whether its storage has forgotten the code already.
      expect(stderr).toMatch(/Authentication failed: .*(expired_token|invalid_grant)/);
    });

    it('DV-2: waits while nobody came, and while the provider is down', async () => {
      const app = await start({ adapter, mode });
      const answers = pollAnswers(app);
      const run = client.logIn(app.url);
      const url = await run.url;

      await expect.poll(() => answers.length, { timeout: 5000 }).toBeGreaterThan(0);
      await provider.stop();
      const before = answers.length;
      await expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThan(before);
      await provider.start(portOf(provider));
      await provider.approveDevice(userCodeOf(url));
      const { code } = await run.result;

      expect(code).toBe(0);
      expect(answers[0]).toBe(400);
      expect(answers.at(-1)).toBe(200);
      expect(new Set(answers)).toEqual(new Set([400, 200]));
    });
  });

  it('leaves a session that was ended here, and asks its user again', async () => {
    const app = await start({ adapter: 'express', mode: 'broker' }, { lifetimeSec: SHORT_SEC });
    const first = client.logIn(app.url);
    await approve(first);
    const { json } = await first.result;
    const { sid = '' } = await app.service.verify(String(json['access_token']));
    expect(await app.service.revokeSession(sid)).toBe(true);

    const second = client.logIn(app.url);
    await approve(second);

    expect((await second.result).code).toBe(0);
    expect(await guarded(app, String((await second.result).json['access_token']))).toBe('200');
  });
});

interface Setting {
  readonly lifetimeSec?: number;
  readonly fetch?: FetchFunction;
  readonly idp?: TestProvider;
  /** What is switched off. */
  readonly off?: Partial<OidcAuthOptions>;
}

function userCodeOf(verificationUri: string): string {
  return new URL(verificationUri).searchParams.get('user_code') ?? '';
}

function portOf({ issuer }: TestProvider): number {
  return Number(new URL(issuer).port);
}

/** The status of each answer of the token route from now on. */
function pollAnswers({ app }: TestApp): readonly number[] {
  const seen: number[] = [];
  const server: Server = app.getHttpServer();
  server.on('request', ({ url }: IncomingMessage, response) => {
    if (url !== '/auth/v2/token') return;
    void once(response, 'finish').then(() => seen.push(response.statusCode));
  });
  return seen;
}
