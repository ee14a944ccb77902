import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { drip, failWith, hang, html, redirectTo } from '../support/faults.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { SteppedClock } from '../support/stepped-clock.js';

const HOUR_SEC = 3600;

interface Running {
  readonly clock: SteppedClock;
  readonly provider: MisbehavingProvider;
  /** Starts the application; everything ends with the test. */
  readonly start: (fetch?: OidcAuthOptions['fetch']) => Promise<TestApp>;
}

async function statusOf(app: TestApp, bearer: string): Promise<number> {
  return (await request(`${app.url}/required`, { bearer })).status;
}

describe.each(adapters)('guarded handlers on %s while the provider fails', (adapter) => {
  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  const prepare = async (): Promise<Running> => {
    const clock = new SteppedClock();
    const whileWaiting = () => clock.advance(0.4);
    const provider = await startMisbehavingProvider({ clock, whileWaiting });
    onTestFinished(() => provider.close());
    const start: Running['start'] = async (fetch) => {
      const options = { timeoutMs: 400, ...(fetch === undefined ? {} : { fetch }) };
      const controllers = [GuardedRoutes];
      const app = await startApp({ adapter, provider, clock, options, controllers });
      onTestFinished(() => app.close());
      return app;
    };
    return { clock, provider, start };
  };

  it('JW-2: start while it is down, answer 503, not 401, and heal within 30 s', async () => {
    const { clock, provider, start } = await prepare();
    await provider.stop();
    const app = await start();

    for (let minute = 0; minute < 10; minute += 1) {
      const reply = await request(`${app.url}/required`, { bearer: provider.accessToken() });
      expectGuardRefusal(reply, 503, 'temporarily_unavailable');
      clock.advance(60);
    }
    await provider.start();
    clock.advance(30);

    expect(await statusOf(app, provider.accessToken())).toBe(200);
  });

  it('JW-2: answer 401, not 503, to a request without a token while it is down', async () => {
    const { provider, start } = await prepare();
    await provider.stop();
    const app = await start();

    expectGuardRefusal(await request(`${app.url}/required`), 401, 'invalid_token');
  });

  it('JW-2: go on with known keys for 24 hours when it goes down later', async () => {
    const { clock, provider, start } = await prepare();
    const app = await start();
    expect(await statusOf(app, provider.accessToken())).toBe(200);
    await provider.stop();

    for (let hour = 0; hour < 23; hour += 1) {
      clock.advance(HOUR_SEC);
      expect(await statusOf(app, provider.accessToken())).toBe(200);
    }
    clock.advance(2 * HOUR_SEC);
    expect(await statusOf(app, provider.accessToken())).toBe(503);
    await provider.start();
    clock.advance(30);
    expect(await statusOf(app, provider.accessToken())).toBe(200);
  });

  it.each([
    ['503', 'never answers', hang()],
    ['503', 'drips', drip({ bytes: 1, everyMs: 5 })],
    ['503', 'answers 500', failWith(500)],
    ['502', 'answers a web page', html()],
    ['502', 'redirects', redirectTo('http://169.254.169.254/', 302)],
  ])('JW-6: answer %s in time when it %s from the start, and heal', async (status, _how, fault) => {
    const { clock, provider, start } = await prepare();
    provider.behaviour.faults = { discovery: fault };
    const app = await start();

    expect(await statusOf(app, provider.accessToken())).toBe(Number(status));
    provider.behaviour.faults = { jwks: fault };
    clock.advance(30);
    expect(await statusOf(app, provider.accessToken())).toBe(Number(status));
    provider.behaviour.faults = {};
    clock.advance(30);
    expect(await statusOf(app, provider.accessToken())).toBe(200);
  });

  it('JW-5: answer 503 while its metadata is of another issuer, and log an error', async () => {
    const { provider, start } = await prepare();
    provider.behaviour.metadata = (document) => ({ ...document, issuer: 'https://evil.example' });
    const app = await start();

    const reply = await request(`${app.url}/required`, { bearer: provider.accessToken() });

    expectGuardRefusal(reply, 503, 'temporarily_unavailable');
    expect(app.logs().join('\n')).toMatch(/ERROR.*https:\/\/evil\.example/);
    expect(reply.text()).not.toContain('evil');
  });

  it('JW-4: answer 502 when its metadata names keys over http elsewhere, and ask nobody there', async () => {
    const { provider, start } = await prepare();
    provider.behaviour.metadata = (document) => ({
      ...document,
      jwks_uri: 'http://169.254.169.254/latest/meta-data',
    });
    const asked: string[] = [];
    const app = await start((url, init) => {
      asked.push(new URL(url).origin);
      return fetch(url, init);
    });

    const reply = await request(`${app.url}/required`, { bearer: provider.accessToken() });

    expectGuardRefusal(reply, 502, 'server_error');
    expect(asked).toEqual([provider.issuer]);
  });
});
