import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

const HOUR_MS = 3600_000;

interface Running {
  readonly clock: FakeClock;
  readonly provider: MisbehavingProvider;
  readonly app: TestApp;
  /** Sets the provider's clock this far ahead of ours. */
  readonly skew: (seconds: number) => void;
}

describe.each(flowAdapters)('clocks that differ on %s', (adapter) => {
  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  const start = async (): Promise<Running> => {
    const clock = new FakeClock();
    const provider = await startMisbehavingProvider();
    const app = await startApp({ adapter, provider, clock, controllers: [GuardedRoutes] });
    onTestFinished(async () => {
      await app.close();
      await provider.close();
    });
    const skew = (seconds: number): void => {
      provider.behaviour.now = () => new Date(clock.now().getTime() + seconds * 1000);
    };
    skew(0);
    return { clock, provider, app, skew };
  };

  it.each([-5, -4, -1, 1, 4, 5])('fault 13: %i s have no effect on guards', async (seconds) => {
    const { provider, app, skew } = await start();
    skew(seconds);
    provider.behaviour.accessTokenLifetimeSec = 5; // with -5 it is over just now

    const fresh = await request(`${app.url}/required`, { bearer: provider.accessToken() });
    const notBefore = Math.floor(provider.behaviour.now().getTime() / 1000);
    const starting = provider.accessToken({ nbf: notBefore });

    expect(fresh.status).toBe(200);
    expect((await request(`${app.url}/required`, { bearer: starting })).status).toBe(200);
  });

  it.each([-4, 4])('fault 13: %i s have no effect on logins and refreshes', async (seconds) => {
    const { app, skew } = await start();
    skew(seconds);

    const tokens = await postToken(app, handleForm(await openLogin(app)));
    const form = { refresh_token: String(tokens.json()['refresh_token']) };

    expect(tokens.status).toBe(200);
    expect((await postToken(app, form)).status).toBe(200);
  });

  it.each([
    ['ahead', 20],
    ['behind', -320],
  ])('fault 13: a provider far %s: 401, and the reason in the log', async (_where, seconds) => {
    const { clock, provider, app, skew } = await start();
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
    GuardedRoutes.reached.length = 0;
    clock.advance(61);
    skew(seconds);
    const linesBefore = app.logs().length;

    const reply = await request(`${app.url}/required`, { bearer: provider.accessToken() });

    expectGuardRefusal(reply, 401, 'invalid_token');
    expect(reply.text()).not.toMatch(/exp\b|iat|nbf/);
    expect(app.logs().slice(linesBefore).join('\n')).toMatch(seconds > 0 ? /nbf|iat/ : /exp\b/);
  });

  it('fault 13: a provider far ahead: the login is refused, and the reason is in the log', async () => {
    const { provider, app, skew } = await start();
    skew(60);
    const login = await openLogin(app);
    const linesBefore = app.logs().length;

    const reply = await postToken(app, handleForm(login));

    expectRefusal(reply, 502, 'server_error');
    expect(app.logs().slice(linesBefore).join('\n')).toMatch(/provider-failed .*iat/);
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it('fault 13: keys are renewed and found after the clock was set back by a day', async () => {
    const { clock, provider, app } = await start();
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
    const old = provider.signingKey.kid;

    clock.set(new Date(clock.now().getTime() - 24 * HOUR_MS));
    await provider.rotateKeys();
    const rotated = await request(`${app.url}/required`, { bearer: provider.accessToken() });
    provider.clearRequests();
    provider.withdrawKey(old);
    clock.advance(301);
    await request(`${app.url}/required`, { bearer: provider.accessToken() });

    expect(rotated.status).toBe(200);
    await expect.poll(() => provider.requestsTo('jwks').length).toBe(1);
  });

  it('fault 13: the cool-down holds after the clock was set forth and back', async () => {
    const { clock, provider, app } = await start();
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
    for (let at = 0; at < 5; at += 1) {
      const bearer = provider.accessToken({}, { kid: `unknown-${at}` });
      await request(`${app.url}/required`, { bearer });
    }
    const fetches = provider.requestsTo('jwks').length;

    for (const hours of [48, -96, 48]) {
      clock.set(new Date(clock.now().getTime() + hours * HOUR_MS));
      const bearer = provider.accessToken({}, { kid: `unknown-${hours}` });
      expect((await request(`${app.url}/required`, { bearer })).status).toBe(401);
    }

    expect(provider.requestsTo('jwks')).toHaveLength(fetches);
  });

  it('fault 13: a login is finished once, whatever the clock does', async () => {
    const { clock, app } = await start();
    const login = await openLogin(app);
    const first = await postToken(app, handleForm(login));

    clock.set(new Date(clock.now().getTime() - HOUR_MS));
    const again = await postToken(app, handleForm(login));
    clock.set(new Date(clock.now().getTime() + 2 * HOUR_MS));
    const late = await postToken(app, handleForm(login));

    expect(first.status).toBe(200);
    for (const reply of [again, late]) expectRefusal(reply, 400, 'invalid_grant');
  });
});
