import { describe, expect, it, onTestFinished } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import type { Endpoint } from '../support/behaviour.js';
import {
  answerWith,
  drip,
  emptyBody,
  hang,
  html,
  redirectTo,
  truncatedJson,
  type Fault,
} from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const TIMEOUT_MS = 400;

const json = (text: string): Fault =>
  answerWith({ status: 200, headers: { 'content-type': 'application/json' }, body: text });

const nonsense: [what: string, fault: Fault][] = [
  ['a web page', html()],
  ['nothing', emptyBody()],
  ['a redirect', redirectTo('http://127.0.0.1:9/elsewhere', 302)],
  ['a redirect that keeps the method', redirectTo('http://127.0.0.1:9/elsewhere', 308)],
  ['a list', json('[]')],
  ['a text', json('"x"')],
  ['a number', json('7')],
  ['null', json('null')],
  ['an empty object', json('{}')],
  [
    'members of wrong types',
    json('{"issuer":1,"keys":{},"access_token":1,"device_code":[],"sub":{}}'),
  ],
  ['half a text', truncatedJson()],
  ['JSON with a line in front', json(')]}\'\n{"access_token":"a"}')],
];

const slow: [how: string, fault: Fault][] = [
  ['never answers', hang()],
  ['drips', drip({ bytes: 1, everyMs: 5 })],
];

interface Running {
  readonly clock: SteppedClock;
  readonly provider: MisbehavingProvider;
  readonly app: TestApp;
  /** Whether the time limit passes while the application waits for an answer; else no time does. */
  timePasses: boolean;
}

/** A request that makes the application ask an endpoint. */
const demands: Partial<Record<Endpoint, (running: Running) => Promise<Reply>>> = {
  token: ({ app }) => postToken(app, { refresh_token: 'any-refresh-token' }),
  device: ({ app }) => request(`${app.url}/auth/v2/device`, { form: {} }),
  userinfo: ({ app, provider }) =>
    request(`${app.url}/auth/v2/userinfo`, {
      bearer: provider.accessToken({ preferred_username: undefined }),
    }),
};

const guard = ({ app, provider }: Running): Promise<Reply> =>
  request(`${app.url}/required`, { bearer: provider.accessToken() });

const login = ({ app }: Running): Promise<Reply> =>
  request(`${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`);

describe.each(flowAdapters)('answers of the provider on %s', (adapter) => {
  const start = async (): Promise<Running> => {
    const clock = new SteppedClock();
    const whileWaiting = (): void => {
      if (running.timePasses) clock.advance(TIMEOUT_MS / 1000);
    };
    const provider = await startMisbehavingProvider({ clock, whileWaiting });
    const options = { timeoutMs: TIMEOUT_MS };
    const app = await startApp({
      adapter,
      provider,
      clock,
      options,
      controllers: [GuardedRoutes],
    });
    onTestFinished(async () => {
      await app.close();
      await provider.close();
    });
    const running: Running = { clock, provider, app, timePasses: true };
    return running;
  };

  it.each(nonsense)(
    'fault 4: %s at any endpoint is 502, and what was known stays',
    async (_, fault) => {
      const running = await start();
      const { clock, provider } = running;
      await guard(running);

      for (const [endpoint, demand] of Object.entries(demands)) {
        provider.behaviour.faults = { [endpoint]: fault };
        expectRefusal(await demand(running), 502, 'server_error');
        clock.advance(61);
      }
      provider.behaviour.faults = { discovery: fault, jwks: fault };
      for (const seconds of [0, 301, 3601, 30, 7200]) {
        clock.advance(seconds);
        expect((await guard(running)).status).toBe(200);
        expect((await login(running)).status).toBe(302);
      }
    },
  );

  it.each(nonsense)('fault 4: %s as first metadata or keys is 502, and heals', async (_, fault) => {
    const running = await start();
    const { clock, provider } = running;

    provider.behaviour.faults = { discovery: fault };
    expectRefusal(await login(running), 502, 'server_error');
    expect((await guard(running)).status).toBe(502);
    provider.behaviour.faults = { jwks: fault };
    clock.advance(30);
    expect((await login(running)).status).toBe(302);
    expect((await guard(running)).status).toBe(502);
    provider.behaviour.faults = {};
    clock.advance(30);

    expect((await guard(running)).status).toBe(200);
  });

  it.each(slow)('fault 3: every call ends in time when the provider %s', async (_how, fault) => {
    const running = await start();
    await guard(running);
    await openLogin(running.app);

    for (const [endpoint, demand] of Object.entries(demands)) {
      running.provider.behaviour.faults = { [endpoint]: fault };
      expectRefusal(await demand(running), 503, 'temporarily_unavailable');
    }
  });

  it.each(slow)(
    'fault 3: old keys and metadata are renewed behind the scenes when it %s',
    async (_how, fault) => {
      const running = await start();
      const { clock, provider } = running;
      await guard(running);
      await login(running);
      provider.behaviour.faults = { discovery: fault, jwks: fault };
      const goesOn = async (): Promise<void> => {
        expect((await guard(running)).status).toBe(200);
        expect((await login(running)).status).toBe(302);
      };

      running.timePasses = false; // so that whoever waited would wait for ever
      clock.advance(301);
      await goesOn();
      clock.advance(TIMEOUT_MS / 1000);
      running.timePasses = true; // these may give the source a chance
      clock.advance(3300);
      await goesOn();

      running.timePasses = false;
      await goesOn();
    },
  );
});
