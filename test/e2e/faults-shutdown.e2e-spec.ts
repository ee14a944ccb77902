import { setTimeout as wait } from 'node:timers/promises';

import { describe, expect, it, onTestFinished } from 'vitest';

import { type AdapterName, adapters, startApp, type TestApp } from '../support/app.js';
import { delay, hang } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { SteppedClock } from '../support/stepped-clock.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

const timers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

async function start(
  adapter: AdapterName,
): Promise<{ clock: SteppedClock; provider: MisbehavingProvider; app: TestApp }> {
  const provider = await startMisbehavingProvider();
  onTestFinished(() => provider.close());
  const clock = new SteppedClock();
  provider.behaviour.now = () => clock.now();
  const app = await startApp({ adapter, provider, clock, controllers: [GuardedRoutes] });
  return { clock, provider, app };
}

describe.each(adapters)('closing an application on %s', (adapter) => {
  it('fault 19: ends the requests that are under way, and takes no new ones', async () => {
    const { provider, app } = await start(adapter);
    const login = await openLogin(app);
    const { refresh_token } = (await postToken(app, handleForm(await openLogin(app)))).json();
    provider.behaviour.faults.token = delay(100);
    provider.clearRequests();
    const underWay = [
      postToken(app, handleForm(login)),
      postToken(app, { refresh_token: String(refresh_token) }),
    ];
    await provider.reached('token', 2);

    const closed = app.app.close();
    const replies = await Promise.all(underWay);
    await closed;

    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    await expect(request(`${app.url}/public`)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('fault 19: leaves no timer and no call behind', async () => {
    const provider = await startMisbehavingProvider();
    onTestFinished(() => provider.close());
    const before = timers();
    const app = await startApp({ adapter, provider, controllers: [GuardedRoutes] });
    await postToken(app, handleForm(await openLogin(app)));
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
    await request(`${app.url}/auth/v2/device`, { form: {} });

    await app.app.close();
    await wait(20);

    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('fault 19: can be done twice, and before anything was asked', async () => {
    const { provider, app } = await start(adapter);

    await app.app.close();
    await app.app.close();

    expect(provider.requests).toEqual([]);
  });
});

describe('closing an application on each adapter', () => {
  it('fault 19: ends the calls under way after four seconds while the provider never answers', async () => {
    for (const adapter of adapters) {
      const { clock, provider, app } = await start(adapter);
      await openLogin(app);
      provider.behaviour.faults.token = hang();
      const underWay = postToken(app, { refresh_token: 'any-refresh-token' });
      await provider.reached('token');

      const closed = app.app.close();
      await clock.asleep(4000);
      clock.advance(4);
      const reply = await underWay;
      await closed;

      expectRefusal(reply, 503, 'temporarily_unavailable');
    }
  });
});
