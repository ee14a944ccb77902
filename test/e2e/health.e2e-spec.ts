import { once } from 'node:events';

import { Controller, Get } from '@nestjs/common';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
} from '@nestjs/terminus';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { SleepOptions } from '../../lib/clock/clock.js';
import type { HealthReport } from '../../lib/index.js';
import { OidcHealthIndicator } from '../../lib/terminus/index.js';
import { flowAdapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { BROKER_AUDIENCE, brokerLogin, guarded, startBrokerApp } from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { hang } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly oidc: OidcHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): ReturnType<HealthCheckService['check']> {
    return this.health.check([() => this.oidc.isHealthy()]);
  }
}

/** A clock for which the patience of a check is over at once, when a test says so, and else never. */
class ImpatientClock extends FakeClock {
  impatient = false;

  override async sleep(ms: number, options?: SleepOptions): Promise<void> {
    if (ms !== 2000) await super.sleep(ms, options);
    else if (!this.impatient && options?.signal) await once(options.signal, 'abort');
  }
}

const terminus: Pick<AppOptions, 'imports' | 'providers' | 'controllers'> = {
  imports: [TerminusModule],
  providers: [OidcHealthIndicator],
  controllers: [HealthController, GuardedRoutes],
};

let provider: MisbehavingProvider;
let clock: ImpatientClock;

beforeEach(async () => {
  provider = await startMisbehavingProvider();
  clock = new ImpatientClock();
});

afterEach(() => provider.close());

async function started(work: Promise<TestApp>): Promise<TestApp> {
  const app = await work;
  onTestFinished(() => app.close());
  return app;
}

function entryOf({ discoveryUrl, clientId, clientSecret, audience }: MisbehavingProvider) {
  return { discoveryUrl, clientId, clientSecret, audience };
}

/** What is remembered of the last check, and every cool-down, is over then. */
function laterHealth({ service }: TestApp, seconds = 31): Promise<HealthReport> {
  clock.advance(seconds);
  return service.health();
}

describe.each(flowAdapters)('the health indicator on %s', (adapter) => {
  it('is up, degraded while the provider is away, and up again', async () => {
    const app = await started(startApp({ adapter, provider, clock, ...terminus }));
    const { url } = app;

    const up = await request(`${url}/health`);
    expect(up.status, up.text()).toBe(200);
    expect(up.json()).toMatchObject({
      status: 'ok',
      details: { oidc: { status: 'up', providers: { default: { status: 'up', keysAgeSec: 0 } } } },
    });

    await provider.stop();
    clock.advance(31);
    const degraded = await request(`${url}/health`);
    expect(degraded.status).toBe(200);
    expect(degraded.json()).toMatchObject({
      status: 'degraded',
      details: { oidc: { providers: { default: { status: 'degraded', keysAgeSec: 31 } } } },
    });
    expect(await guarded(app, provider.accessToken())).toBe('200');

    await provider.start();
    // What the guard began may only now hear that the provider was away.
    await expect
      .poll(async () => {
        clock.advance(31);
        return (await request(`${url}/health`)).json();
      })
      .toMatchObject({ status: 'ok' });
  });

  it('is down, with 503, while no token can be verified', async () => {
    await provider.stop();
    const { url } = await started(startApp({ adapter, provider, clock, ...terminus }));

    const down = await request(`${url}/health`);

    expect(down.status).toBe(503);
    expect(down.json()).toMatchObject({
      details: { oidc: { status: 'down', providers: { default: { status: 'down' } } } },
    });
  });
});

describe('the health indicator', () => {
  it('says "up" with "degraded: true" where Terminus knows no other word', async () => {
    const app = await started(startApp({ provider, clock, ...terminus }));
    await app.service.health();
    await provider.stop();
    clock.advance(31);
    const ofTwelve = app.app.get(HealthIndicatorService, { strict: false });
    const check = (key: string): object => {
      const session = ofTwelve.check(key);
      return { up: session.up.bind(session), down: session.down.bind(session) };
    };
    const ofEleven = Object.assign(new HealthIndicatorService(), { check });

    const result = await new OidcHealthIndicator(app.service, ofEleven).isHealthy('login');

    expect(result).toMatchObject({ login: { status: 'up', degraded: true } });
  });
});

describe('the health of passthrough mode', () => {
  it('costs a provider two requests a minute, however often it is asked for', async () => {
    const app = await started(startApp({ provider, clock, ...terminus }));

    for (let second = 0; second < 60; second += 1) {
      await Promise.all([app.service.health(), app.service.health()]);
      clock.advance(1);
    }

    expect(provider.requestsTo('jwks')).toHaveLength(2);
    expect(provider.requestsTo('discovery')).toHaveLength(1);
  });

  it('asks a provider that is away less and less often', async () => {
    const app = await started(startApp({ provider, clock, ...terminus }));
    await app.service.health();
    let asked = 0;
    provider.behaviour.faults.jwks = async ({ incoming }) => {
      asked += 1;
      incoming.socket.destroy();
    };

    for (let second = 0; second < 300; second += 1) await laterHealth(app, 1);

    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(25);
  });

  it('does not wait for a provider that does not answer', async () => {
    const app = await started(startApp({ provider, clock, ...terminus }));
    await app.service.health();
    provider.behaviour.faults.jwks = hang();
    clock.impatient = true;

    const { status } = await laterHealth(app);

    expect(status).toBe('degraded');
  });

  it('is degraded with one of two providers away, and down without both', async () => {
    const other = await startMisbehavingProvider();
    onTestFinished(() => other.close());
    await other.stop();
    const several = { providers: { one: entryOf(provider), two: entryOf(other) } };
    const app = await started(startApp({ several, clock, ...terminus }));

    expect(await app.service.health()).toEqual({
      status: 'degraded',
      providers: { one: { status: 'up', keysAgeSec: 0 }, two: { status: 'down' } },
    });
  });
});

describe('the health of broker mode', () => {
  it('is degraded without the provider: our own tokens go on', async () => {
    const app = await started(startBrokerApp({ provider, clock, ...terminus }));
    const { accessToken } = await brokerLogin(app);
    expect(await laterHealth(app)).toEqual({
      status: 'up',
      providers: { default: { status: 'up', keysAgeSec: 0 } },
      store: { status: 'up' },
      signingKeys: { status: 'up' },
      peers: {},
    });

    await provider.stop();

    expect(await laterHealth(app)).toMatchObject({
      status: 'degraded',
      providers: { default: { status: 'degraded' } },
    });
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('asks the store once in five seconds, however many probes there are', async () => {
    const counting = countingStore();
    const app = await started(startBrokerApp({ provider, clock, store: counting.store }));

    for (let second = 0; second < 10; second += 1) {
      await Promise.all([app.service.health(), app.service.health()]);
      clock.advance(1);
    }

    expect(counting.count('findSession')).toBe(2);
  });

  it('is down without the store, within its patience', async () => {
    const counting = countingStore();
    const app = await started(startBrokerApp({ provider, clock, store: counting.store }));
    await app.service.health();

    counting.down = true;
    expect(await laterHealth(app)).toMatchObject({ status: 'down', store: { status: 'down' } });

    counting.down = false;
    expect(await laterHealth(app)).toMatchObject({ status: 'up', store: { status: 'up' } });

    counting.faults.set('findSession', 'hang');
    clock.impatient = true;
    expect(await laterHealth(app)).toMatchObject({ status: 'down', store: { status: 'down' } });
  });

  it('tells of trusted issuers whose tokens came, and asks no others', async () => {
    const peer = await startMisbehavingProvider();
    onTestFinished(() => peer.close());
    const unused = await startMisbehavingProvider();
    onTestFinished(() => unused.close());
    const trustedIssuers = [peer.issuer, unused.issuer];
    const app = await started(startBrokerApp({ provider, clock, broker: { trustedIssuers } }));
    const token = peer.accessToken({ aud: BROKER_AUDIENCE });
    expect(await guarded(app, token)).toBe('200');

    expect((await laterHealth(app)).peers).toMatchObject({ [peer.issuer]: { status: 'up' } });
    await peer.stop();
    const report = await laterHealth(app);

    expect(report).toMatchObject({
      status: 'degraded',
      peers: { [peer.issuer]: { status: 'degraded' } },
    });
    expect(Object.keys(report.peers ?? {})).toEqual([peer.issuer]);
    expect(unused.requests).toHaveLength(0);
  });
});
