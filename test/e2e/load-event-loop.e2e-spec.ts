import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

import { describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { drip, hang, type Fault } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { forgedTokens } from '../support/verifier.js';

const LIMIT_MS = 50;

/** The longest delay of the event loop during some work, in milliseconds. */
async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  await work();
  await wait(20);
  delays.disable();
  return delays.max / 1e6;
}

const stalls: [how: string, fault: Fault][] = [
  ['hangs', hang()],
  ['drips', drip({ bytes: 1, everyMs: 20 })],
];

// A busy machine may delay any process once; a call that blocks does so each time.
const retry = 4;

describe.each(adapters)('the event loop on %s', (adapter) => {
  const start = async (): Promise<{ provider: MisbehavingProvider; app: TestApp }> => {
    const provider = await startMisbehavingProvider();
    const options = { timeoutMs: 600 };
    const app = await startApp({ adapter, provider, options, controllers: [GuardedRoutes] });
    onTestFinished(async () => {
      await app.close();
      await provider.close();
    });
    return { provider, app };
  };

  it.each(stalls)(
    'DS-3: stays free while a provider that was never reached %s',
    { retry },
    async (_how, fault) => {
      const { provider, app } = await start();
      await request(`${app.url}/public`);
      provider.behaviour.faults = { discovery: fault };
      const bearer = provider.accessToken();

      const delay = await longestDelay(async () => {
        const statuses = await Promise.all([
          request(`${app.url}/required`, { bearer }),
          request(`${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`),
          request(`${app.url}/auth/v2/device`, { form: {} }),
          postToken(app, { refresh_token: 'any-refresh-token' }),
          request(`${app.url}/auth/v2/logout`),
        ]);
        expect(statuses.map(({ status }) => status)).toEqual([503, 503, 503, 503, 302]);
      });

      expect(delay).toBeLessThan(LIMIT_MS);
    },
  );

  it.each(stalls)(
    'DS-3: stays free, and known tokens go on, while a known provider %s',
    { retry },
    async (_how, fault) => {
      const { provider, app } = await start();
      const bearer = provider.accessToken();
      await request(`${app.url}/required`, { bearer });
      const login = await openLogin(app);
      const [forged] = forgedTokens(provider, 1);
      // The answer to a revocation has no body that could drip.
      provider.behaviour.faults = { token: fault, jwks: fault, device: fault, revocation: hang() };

      const delay = await longestDelay(async () => {
        const stuck = Promise.all([
          postToken(app, handleForm(login)),
          postToken(app, { refresh_token: 'any-refresh-token' }),
          postToken(app, { device_code: 'any-device-code' }),
          request(`${app.url}/auth/v2/device`, { form: {} }),
          request(`${app.url}/auth/v2/revoke`, { form: { token: 'any-refresh-token' } }),
          request(`${app.url}/required`, { bearer: forged ?? '' }),
        ]);
        for (let at = 0; at < 20; at += 1) {
          const begun = performance.now();
          const { status } = await request(`${app.url}/required`, { bearer });
          expect(status).toBe(200);
          expect(performance.now() - begun).toBeLessThan(200);
          await wait(10);
        }
        const statuses = (await stuck).map(({ status }) => status);
        expect(statuses).toEqual([503, 503, 400, 503, 503, 503]);
      });

      expect(delay).toBeLessThan(LIMIT_MS);
    },
  );
});
