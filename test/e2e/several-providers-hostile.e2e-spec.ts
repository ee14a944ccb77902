import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { TestApp } from '../support/app.js';
import { guarded } from '../support/broker-app.js';
import { type ChangingApp, startChangingApp } from '../support/changing-providers.js';
import { request } from '../support/http-request.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';
import {
  type TwoProviders,
  entryOf,
  startTwoProviderApp,
  startTwoProviders,
} from '../support/two-providers.js';

const staffLogin = (app: TestApp) =>
  request(`${app.url}/auth/v2/login?provider=staff&redirect_uri=${app.url}/auth/v2/callback/staff`);

describe('a hostile identity provider beside a good one', () => {
  const clock = new SteppedClock();
  let both: TwoProviders;
  const apps: (TestApp | ChangingApp)[] = [];

  beforeAll(async () => {
    both = await startTwoProviders({ clock });
  });

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    for (const provider of [both.main, both.staff]) {
      provider.resetBehaviour();
      provider.clearRequests();
    }
  });

  afterAll(async () => {
    await Promise.all([both.main.close(), both.staff.close()]);
  });

  const start = async (maxUpstreamCalls = 50): Promise<TestApp> => {
    const app = await startTwoProviderApp(both, {
      clock,
      several: {
        providers: {
          default: entryOf(both.main, { maxUpstreamCalls }),
          staff: entryOf(both.staff, { maxUpstreamCalls, timeoutMs: 2000 }),
        },
      },
    });
    apps.push(app);
    return app;
  };
  const mainLogin = async (app: TestApp): Promise<number> => {
    const login = await openLogin(app, { query: { provider: 'default' } });
    const reply = await postToken(app, { ...handleForm(login), iss: both.main.issuer });
    return reply.status;
  };

  it.each([
    ['huge metadata', () => ({ padding: 'x'.repeat(2 * 1024 * 1024) }), 502],
    ['metadata that are no object', () => ['x'], 502],
    ['metadata of nobody', () => ({ issuer: 'https://nobody.example.org' }), 503],
  ])('MP-5: %s fail its own logins alone', async (_what, metadata, status) => {
    both.staff.behaviour.metadata = metadata;
    const app = await start();

    expect((await staffLogin(app)).status).toBe(status);
    expect(await mainLogin(app)).toBe(200);
    expect(await guarded(app, both.main.accessToken())).toBe('200');
  });

  it('MP-5: its redirects are followed nowhere', async () => {
    both.staff.behaviour.faults.discovery = async ({ response }) => {
      response.writeHead(302, { location: both.main.discoveryUrl }).end();
    };
    const app = await start();

    expect((await staffLogin(app)).status).toBe(502);
    expect(both.main.requests).toHaveLength(0);
    expect(await mainLogin(app)).toBe(200);
  });

  it('MP-5: tokens with unknown keys cost fetches at it alone, and few', async () => {
    const app = await start();
    expect(await guarded(app, both.main.accessToken())).toBe('200');
    expect(await guarded(app, both.staff.accessToken())).toBe('200');
    both.main.clearRequests();
    both.staff.clearRequests();

    await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        guarded(app, both.staff.accessToken({}, { kid: `unknown-${at}` })),
      ),
    );

    expect(both.main.requests).toHaveLength(0);
    expect(both.staff.requestsTo('jwks').length).toBeLessThanOrEqual(2);
    const rotated = await both.main.rotateKeys();
    expect(await guarded(app, both.main.accessToken({}, {}, rotated))).toBe('200');
  });

  it('MP-5: calls that it leaves open take no place of the others', async () => {
    const app = await start(1);
    expect(await guarded(app, both.staff.accessToken())).toBe('200');
    const device = () => request(`${app.url}/auth/v2/device`, { form: { provider: 'staff' } });
    const reached = new Promise<void>((resolve) => {
      both.staff.behaviour.faults.device = async () => resolve(); // and no answer
    });
    const hanging = device();
    await reached;

    expectRefusal(await device(), 503, 'temporarily_unavailable');
    expect(await mainLogin(app)).toBe(200);
    clock.advance(2);
    expect((await hanging).status).toBe(503);
  });

  it('MP-1: an entry that calls the issuer of another one its own is dropped, and no other one', async () => {
    const app = await startChangingApp(both, { default: entryOf(both.main) }, { broker: false });
    apps.push(app);

    await app.change({
      hostile: entryOf(both.staff, { accessTokenIssuers: [both.main.issuer] }),
      default: entryOf(both.main),
    });
    const forged = both.staff.accessToken({ iss: both.main.issuer });
    expect(await guarded(app, forged)).toBe('401 invalid_token');
    await app.change({
      hostile: entryOf(both.staff, { issuer: both.main.issuer }),
      default: entryOf(both.main),
    });
    expect(await guarded(app, forged)).toBe('401 invalid_token');

    expect(await guarded(app, both.main.accessToken())).toBe('200');
    const login = 'login?provider=hostile&redirect_uri=http://localhost:53100/callback';
    expectRefusal(await request(`${app.url}/auth/v2/${login}`), 400, 'invalid_request');
    expect(app.logs().join('\n')).toContain('provider-dropped');
  });
});
