import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import {
  answerWith,
  closeSocket,
  emptyBody,
  endlessBody,
  failWith,
  hang,
  html,
  redirectTo,
  type Fault,
} from '../support/faults.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';
import { alice } from '../support/users.js';

const hiccups: [what: string, fault: Fault][] = [
  ['500', failWith(500)],
  ['503', failWith(503, { retryAfterSec: 3600 })],
  ['503 with a page', html(503)],
  ['429', failWith(429, { retryAfterSec: 3600 })],
  ['no answer', hang()],
  ['a closed connection', closeSocket('before')],
  ['a page', html()],
  ['404 with a page', html(404)],
  ['an empty answer', emptyBody()],
  ['a redirect', redirectTo('http://127.0.0.1:9/')],
  ['a body without end', endlessBody()],
  [
    'temporarily_unavailable',
    answerWith({ status: 400, body: { error: 'temporarily_unavailable' } }),
  ],
];

describe.each(flowAdapters)('a device login while the provider has trouble on %s', (adapter) => {
  let clock: SteppedClock;
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeEach(async () => {
    clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({ adapter, provider, clock, options: { timeoutMs: 500 } });
  });

  afterEach(async () => {
    await app.close();
    await provider.close();
  });

  /** As long as a client waits that was told to slow down. */
  const wait = (): void => clock.advance(31);

  const expectTokens = async (deviceCode: string, instance = app): Promise<void> => {
    const reply = await pollDevice(instance, deviceCode);

    expect({ status: reply.status, ...reply.json() }).toMatchObject({ status: 200 });
    expect(decodeJwt(String(reply.json()['access_token'])).sub).toBe(alice.sub);
  };

  it('DV-2: outlives two polls while the provider is down', async () => {
    const { deviceCode, userCode } = await startDevice(app);
    const waiting = await pollDevice(app, deviceCode);

    provider.approveDevice(userCode);
    await provider.stop();
    const during = [];
    for (let poll = 0; poll < 2; poll += 1) {
      wait();
      during.push(await pollDevice(app, deviceCode));
    }
    await provider.start();
    wait();

    expectRefusal(waiting, 400, 'authorization_pending');
    for (const reply of during) expectRefusal(reply, 400, 'slow_down');
    await expectTokens(deviceCode);
  });

  it.each(hiccups)('DV-2: is told to slow down on %s', async (_, fault) => {
    const { deviceCode, userCode } = await startDevice(app);
    provider.approveDevice(userCode);
    provider.behaviour.faults.token = fault;

    const during = await pollDevice(app, deviceCode);
    provider.resetBehaviour();
    wait();

    expectRefusal(during, 400, 'slow_down');
    await expectTokens(deviceCode);
  });

  it('DV-2: goes on at an instance that never reached the provider', async () => {
    const { deviceCode, userCode } = await startDevice(app);
    provider.approveDevice(userCode);
    const other = await startApp({ adapter, provider, clock });

    await provider.stop();
    const during = await pollDevice(other, deviceCode);
    await provider.start();
    wait();

    expectRefusal(during, 400, 'slow_down');
    await expectTokens(deviceCode, other);
    await other.close();
  });

  it('DV-2: spends no grant while the keys for its ID token cannot be had', async () => {
    const { deviceCode, userCode } = await startDevice(app);
    provider.approveDevice(userCode);
    provider.behaviour.faults.jwks = failWith(503);

    const during = await pollDevice(app, deviceCode);
    provider.resetBehaviour();
    wait();

    expectRefusal(during, 400, 'slow_down');
    await expectTokens(deviceCode);
  });

  it('DV-2: is told to slow down while too many calls are under way', async () => {
    const busy = await startApp({
      adapter,
      provider,
      clock,
      options: { maxUpstreamCalls: 2, timeoutMs: 500 },
    });
    const { deviceCode, userCode } = await startDevice(busy);
    provider.approveDevice(userCode);
    await busy.service.verify(provider.accessToken()); // the keys are known now
    provider.behaviour.faults.token = async () => undefined; // and no answer
    const hanging = ['one', 'two'].map((token) => postToken(busy, { refresh_token: token }));
    await expect.poll(() => provider.requestsTo('token')).toHaveLength(2);

    const during = await pollDevice(busy, deviceCode);
    clock.advance(0.5);
    await Promise.all(hanging);
    provider.resetBehaviour();
    wait();

    expectRefusal(during, 400, 'slow_down');
    await expectTokens(deviceCode, busy);
    await busy.close();
  });
});
