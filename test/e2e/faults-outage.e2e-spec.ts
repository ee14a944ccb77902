import { describe, expect, it, onTestFinished } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

/** Within which everything has to work again when the cause of a fault is gone. */
const HEALING_SEC = 30;

const LOGIN = '/auth/v2/login?redirect_uri=http://localhost:53100/callback';

interface Running {
  readonly clock: FakeClock;
  readonly provider: MisbehavingProvider;
  /** Starts an application; it ends with the test. */
  readonly start: () => Promise<TestApp>;
}

const device = (app: TestApp): Promise<Reply> => request(`${app.url}/auth/v2/device`, { form: {} });

const revoke = (app: TestApp, token: string): Promise<Reply> =>
  request(`${app.url}/auth/v2/revoke`, { form: { token } });

describe.each(flowAdapters)('an application on %s whose provider is down', (adapter) => {
  const prepare = async (): Promise<Running> => {
    const clock = new FakeClock();
    const provider = await startMisbehavingProvider({ behaviour: { now: () => clock.now() } });
    onTestFinished(() => provider.close());
    const start = async (): Promise<TestApp> => {
      const controllers = [GuardedRoutes];
      const app = await startApp({ adapter, provider, clock, controllers });
      onTestFinished(() => app.close());
      return app;
    };
    return { clock, provider, start };
  };

  it('fault 1: starts without asking it, at once', async () => {
    const { provider, start } = await prepare();
    await provider.stop();
    const begun = performance.now();

    const app = await start();

    expect(performance.now() - begun).toBeLessThan(2000);
    expect(provider.requests).toEqual([]);
    expect((await request(`${app.url}/public`)).status).toBe(200);
  });

  it('fault 1: answers 503 to everything that needs it, and logs out locally', async () => {
    const { provider, start } = await prepare();
    await provider.stop();
    const app = await start();
    const bearer = provider.accessToken();

    const refusals = [
      await request(app.url + LOGIN),
      await device(app),
      await postToken(app, { refresh_token: 'any-refresh-token' }),
      await request(`${app.url}/auth/v2/userinfo`, { bearer }),
      await revoke(app, 'any-refresh-token'),
    ];
    const guarded = await request(`${app.url}/required`, { bearer });
    const anonymous = await request(`${app.url}/required`);
    const optional = await request(`${app.url}/optional`, { bearer });
    const poll = await postToken(app, { device_code: 'any-device-code' });
    const logout = await request(`${app.url}/auth/v2/logout?post_logout_redirect_uri=/`);

    for (const reply of refusals) expectRefusal(reply, 503, 'temporarily_unavailable');
    expect([guarded.status, guarded.json()['error']]).toEqual([503, 'temporarily_unavailable']);
    expect([anonymous.status, optional.status]).toEqual([401, 200]);
    expect(optional.json()).toMatchObject({ type: 'undefined' });
    expectRefusal(poll, 400, 'slow_down');
    expect([logout.status, logout.headers.get('location')]).toEqual([302, '/']);
  });

  it('fault 1: heals without a restart', async () => {
    const { clock, provider, start } = await prepare();
    await provider.stop();
    const app = await start();
    for (let at = 0; at < 20; at += 1) {
      expect((await request(app.url + LOGIN)).status).toBe(503);
      clock.advance(15);
    }

    await provider.start();
    clock.advance(HEALING_SEC);
    const tokens = await postToken(app, handleForm(await openLogin(app)));
    const bearer = provider.accessToken();

    expect(tokens.status).toBe(200);
    expect((await request(`${app.url}/required`, { bearer })).status).toBe(200);
    expect((await device(app)).status).toBe(200);
    expect((await request(`${app.url}/auth/v2/logout`)).location?.origin).toBe(provider.issuer);
  });

  it('fault 2: known keys go on, logins begin, logouts end', async () => {
    const { provider, start } = await prepare();
    const app = await start();
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
    await provider.stop();

    const fresh = await request(`${app.url}/required`, { bearer: provider.accessToken() });
    const begun = await request(app.url + LOGIN);
    const logout = await request(`${app.url}/auth/v2/logout?post_logout_redirect_uri=/`);

    expect([fresh.status, begun.status, logout.status]).toEqual([200, 302, 302]);
  });

  it('fault 2: a refresh answers 503, and the same refresh token works afterwards', async () => {
    const { clock, provider, start } = await prepare();
    const app = await start();
    const { refresh_token } = (await postToken(app, handleForm(await openLogin(app)))).json();
    const form = { refresh_token: String(refresh_token) };
    await provider.stop();

    for (let at = 0; at < 5; at += 1) {
      expectRefusal(await postToken(app, form), 503, 'temporarily_unavailable');
      clock.advance(10);
    }
    await provider.start();
    clock.advance(HEALING_SEC);
    const renewed = await postToken(app, form);

    expect(renewed.status).toBe(200);
    expect(renewed.json()['refresh_token']).not.toBe(refresh_token);
  });

  it('fault 2: a login that comes back meanwhile answers 503, and can be finished afterwards', async () => {
    const { clock, provider, start } = await prepare();
    const app = await start();
    const login = await openLogin(app);
    await provider.stop();

    const during = await postToken(app, handleForm(login));
    await provider.start();
    clock.advance(HEALING_SEC);
    const afterwards = await postToken(app, handleForm(login));

    expectRefusal(during, 503, 'temporarily_unavailable');
    expect(afterwards.status).toBe(200);
  });

  it('fault 2: a device that polls is told to slow down, and gets its tokens afterwards', async () => {
    const { clock, provider, start } = await prepare();
    const app = await start();
    const started = (await device(app)).json();
    const form = { 'device-code': String(started['device_code']) };
    provider.approveDevice(String(started['user_code']));
    await provider.stop();

    for (let at = 0; at < 4; at += 1) {
      clock.advance(6);
      expectRefusal(await postToken(app, form), 400, 'slow_down');
    }
    await provider.start();
    clock.advance(HEALING_SEC);
    const polled = await postToken(app, form);

    expect(polled.status).toBe(200);
  });

  it('fault 2: comes and goes many times, and everything works in between', async () => {
    const { clock, provider, start } = await prepare();
    const app = await start();

    for (let round = 0; round < 5; round += 1) {
      const tokens = await postToken(app, handleForm(await openLogin(app)));
      expect(tokens.status).toBe(200);
      await provider.stop();
      clock.advance(7200);
      expect((await device(app)).status).toBe(503);
      const bearer = provider.accessToken();
      expect((await request(`${app.url}/required`, { bearer })).status).toBe(200); // by the keys it knows
      await provider.start();
      clock.advance(HEALING_SEC);
      const later = provider.accessToken();
      expect((await request(`${app.url}/required`, { bearer: later })).status).toBe(200);
    }
  });
});
