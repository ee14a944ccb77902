import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith, html } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { allowServerError } from '../support/server-errors.js';

const anonymous = { type: 'undefined', sub: null, email: null };

/** A clock that breaks: it stands for any fault of ours. */
class BrokenClock extends FakeClock {
  broken = false;

  override now(): Date {
    if (this.broken) throw new Error('the clock is broken');
    return super.now();
  }
}

describe.each(adapters)('optional authentication on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeEach(async () => {
    provider = await startMisbehavingProvider();
    GuardedRoutes.reached.length = 0;
  });

  afterEach(() => provider.close());

  const start = async (options: AppOptions = {}): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, controllers: [GuardedRoutes], ...options });
    onTestFinished(() => app.close());
    return app;
  };

  it('CL-6: hands the claims of a valid token to the handler, whole', async () => {
    const app = await start();

    const reply = await request(`${app.url}/optional`, { bearer: provider.accessToken() });

    expect(reply.json()).toEqual({
      type: 'claims',
      sub: 'sub-0001-alice',
      email: 'alice@example.org',
    });
  });

  it('CL-6: takes a request without a token, or with two headers, as anonymous', async () => {
    const app = await start();
    const bearer = `Bearer ${provider.accessToken()}`;

    const replies = [
      await request(`${app.url}/optional`),
      await request(`${app.url}/optional`, { headers: { Authorization: [bearer, bearer] } }),
      await request(`${app.url}/optional`, { headers: { Authorization: 'Basic YTpi' } }),
      await request(`${app.url}/optional`, { headers: { Authorization: 'Bearer' } }),
    ];

    for (const reply of replies) {
      expect(reply.status).toBe(200);
      expect(reply.json()).toEqual(anonymous);
    }
  });

  it('CL-6: takes a valid token that does not meet the rule as anonymous, not as partly known', async () => {
    const app = await start();
    const url = `${app.url}/optional-admins`;

    const met = await request(url, { bearer: provider.accessToken() });
    const unmet = [
      await request(url, { bearer: provider.accessToken({ scope: 'openid' }) }),
      await request(url, { bearer: provider.accessToken({ realm_access: { roles: [] } }) }),
    ];

    expect(met.json()).toEqual({ sub: 'sub-0001-alice' });
    for (const reply of unmet) expect(reply.json()).toEqual({ sub: null });
  });

  it('CL-6: gives no claims of an earlier request to a later one', async () => {
    const app = await start();
    const clockless = provider.accessToken({ exp: 1 });
    await request(`${app.url}/optional`, { bearer: provider.accessToken() });

    const replies = await Promise.all([
      request(`${app.url}/optional`, { bearer: clockless }),
      request(`${app.url}/optional`, { bearer: provider.accessToken() }),
      request(`${app.url}/optional`),
    ]);

    expect(replies.map((reply) => reply.json()['sub'])).toEqual([null, 'sub-0001-alice', null]);
  });

  it.each([
    ['is down', undefined],
    ['answers 503', failWith(503)],
    ['answers a web page', html()],
  ])('CL-6: takes everybody as anonymous while the provider %s', async (_how, fault) => {
    if (fault === undefined) await provider.stop();
    else provider.behaviour.faults.discovery = fault;
    const app = await start();

    const reply = await request(`${app.url}/optional`, { bearer: provider.accessToken() });

    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual(anonymous);
  });

  it('CL-6: answers 500 to a fault of ours and runs no handler', async () => {
    const clock = new BrokenClock();
    const app = await start({ clock });
    clock.broken = true;
    allowServerError();

    const reply = await request(`${app.url}/optional`, { bearer: provider.accessToken() });

    expect(reply.status).toBe(500);
    expect(reply.text()).not.toContain('clock');
    expect(GuardedRoutes.reached).toEqual([]);
  });
});
