import { setTimeout as wait } from 'node:timers/promises';

import { describe, expect, it, onTestFinished } from 'vitest';

import {
  type AdapterName,
  adapters,
  onEachAdapter,
  startApp,
  type TestApp,
} from '../support/app.js';
import { delay, hang } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

const timers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

async function start(
  adapter: AdapterName,
): Promise<{ provider: MisbehavingProvider; app: TestApp }> {
  const provider = await startMisbehavingProvider();
  onTestFinished(() => provider.close());
  const app = await startApp({ adapter, provider, controllers: [GuardedRoutes] });
  return { provider, app };
}

describe.each(adapters)('closing an application on %s', (adapter) => {
  it('fault 19: ends the requests that are under way, and takes no new ones', async () => {
    const { provider, app } = await start(adapter);
    const login = await openLogin(app);
    const { refresh_token } = (await postToken(app, handleForm(await openLogin(app)))).json();
    provider.behaviour.faults.token = delay(400);
    provider.clearRequests();
    const underWay = [
      postToken(app, handleForm(login)),
      postToken(app, { refresh_token: String(refresh_token) }),
    ];
    while (provider.requestsTo('token').length < 2) await wait(5);

    const begun = performance.now();
    const closed = app.app.close();
    const replies = await Promise.all(underWay);
    await closed;

    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(performance.now() - begun).toBeLessThan(3000);
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
  it('fault 19: ends within 10 s while the provider never answers', async () => {
    await onEachAdapter(async (adapter) => {
      const { provider, app } = await start(adapter);
      await openLogin(app);
      provider.behaviour.faults.token = hang();
      const underWay = postToken(app, { refresh_token: 'any-refresh-token' });
      while (provider.requestsTo('token').length === 0) await wait(5);

      const begun = performance.now();
      const closed = app.app.close();
      const reply = await underWay;
      await closed;

      expectRefusal(reply, 503, 'temporarily_unavailable');
      expect(performance.now() - begun).toBeLessThan(9000);
    });
  });
});
