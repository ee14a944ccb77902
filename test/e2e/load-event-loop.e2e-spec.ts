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
import { SteppedClock } from '../support/stepped-clock.js';
import { forgedTokens } from '../support/verifier.js';

const LIMIT_MS = 50;

/**
 * The most processor time between two turns of the event loop during some work, in milliseconds. Unlike the time on the wall
 * it does not grow when the machine is busy with something else.
 */
async function busiestTurn(work: () => Promise<unknown>): Promise<number> {
  const turns: number[] = [];
  let before = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    turns.push((user + system) / 1000);
  }, 1);
  await work();
  await wait(20);
  clearInterval(timer);
  return Math.max(...turns);
}

const stalls: [how: string, fault: Fault][] = [
  ['hangs', hang()],
  ['drips', drip({ bytes: 1, everyMs: 20 })],
];

describe.each(adapters)('the event loop on %s', (adapter) => {
  const start = async (): Promise<{
    clock: SteppedClock;
    provider: MisbehavingProvider;
    app: TestApp;
  }> => {
    const clock = new SteppedClock();
    const provider = await startMisbehavingProvider({ clock });
    const app = await startApp({ adapter, provider, clock, controllers: [GuardedRoutes] });
    onTestFinished(async () => {
      await app.close();
      await provider.close();
    });
    return { clock, provider, app };
  };

  /** Asks everything that needs a provider which was never reached. */
  const prepareToAsk = async (fault: Fault): Promise<() => Promise<void>> => {
    const { clock, provider, app } = await start();
    await request(`${app.url}/public`);
    provider.behaviour.faults = { discovery: fault };
    const bearer = provider.accessToken();
    return async () => {
      const stuck = Promise.all([
        request(`${app.url}/required`, { bearer }),
        request(`${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`),
        request(`${app.url}/auth/v2/device`, { form: {} }),
        postToken(app, { refresh_token: 'any-refresh-token' }),
      ]);
      expect(await request(`${app.url}/public`)).toMatchObject({ status: 200 });
      await provider.reached('discovery');
      const logout = request(`${app.url}/auth/v2/logout`);
      clock.advance(5);
      expect(await logout).toMatchObject({ status: 302 });
      expect((await stuck).map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    };
  };

  it.each(stalls)(
    'DS-3: stays free while a provider that was never reached %s',
    async (_how, fault) => {
      const [warmUp, ask] = [await prepareToAsk(fault), await prepareToAsk(fault)];
      await warmUp(); // code that never ran is compiled first

      const busiest = await busiestTurn(ask);

      expect(busiest).toBeLessThan(LIMIT_MS);
    },
  );

  it.each(stalls)(
    'DS-3: stays free, and known tokens go on, while a known provider %s',
    async (_how, fault) => {
      const { provider, app } = await start();
      const bearer = provider.accessToken();
      await request(`${app.url}/required`, { bearer });
      const login = await openLogin(app);
      const [forged] = forgedTokens(provider, 1);
      // The answer to a revocation has no body that could drip.
      provider.behaviour.faults = { token: fault, jwks: fault, device: fault, revocation: hang() };

      const busiest = await busiestTurn(async () => {
        const stuck = Promise.all([
          postToken(app, handleForm(login)),
          postToken(app, { refresh_token: 'any-refresh-token' }),
          postToken(app, { device_code: 'any-device-code' }),
          request(`${app.url}/auth/v2/device`, { form: {} }),
          request(`${app.url}/auth/v2/revoke`, { form: { token: 'any-refresh-token' } }),
          request(`${app.url}/required`, { bearer: forged ?? '' }),
        ]);
        for (let at = 0; at < 20; at += 1) {
          const first = await Promise.race([request(`${app.url}/required`, { bearer }), stuck]);
          expect(first).toMatchObject({ status: 200 });
          await wait(2);
        }
        await provider.stop();
        const statuses = (await stuck).map(({ status }) => status);
        expect(statuses).toEqual([503, 503, 400, 503, 503, 503]);
      });

      expect(busiest).toBeLessThan(LIMIT_MS);
    },
  );
});
