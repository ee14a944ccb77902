import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import { answerWith } from '../support/faults.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { alice, bob } from '../support/users.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const HARD_END = ['expired_token', 'access_denied'];

describe.each(flowAdapters)('a device login at the real provider on %s', (adapter) => {
  // It stands still, and the provider goes by the real time: it must not fall behind.
  const clock = new FakeClock(new Date(Date.now() + 120_000));
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startProvider();
    app = await startApp({ adapter, provider, clock });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('DV-1: waits, and gets tokens once the user has approved', async () => {
    const { deviceCode, userCode, intervalSec } = await startDevice(app);

    const waiting = await pollDevice(app, deviceCode);
    await provider.approveDevice(userCode, 'bob');
    clock.advance(intervalSec);
    const done = await pollDevice(app, deviceCode);
    clock.advance(intervalSec);
    const again = await pollDevice(app, deviceCode);

    expectRefusal(waiting, 400, 'authorization_pending');
    expect(done.status).toBe(200);
    expect(decodeJwt(String(done.json()['access_token'])).sub).toBe(bob.sub);
    expect(done.json()).toHaveProperty('refresh_token');
    expectRefusal(again, 400, 'invalid_grant');
  });

  it('DV-1: learns that the user refused', async () => {
    const { deviceCode, userCode } = await startDevice(app);
    await provider.denyDevice(userCode);

    expectRefusal(await pollDevice(app, deviceCode), 400, 'access_denied');
  });
});

describe.each(flowAdapters)('the polls of a device on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({ adapter, provider, clock });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each(
    ['authorization_pending', 'slow_down', ...HARD_END].flatMap((error) =>
      [400, 401, 403, 428].map((status) => ({ error, status })),
    ),
  )('DV-1: pass $error on as 400, if the provider says it with $status', async (refusal) => {
    const { deviceCode } = await startDevice(app);
    const { error, status } = refusal;
    const text = 'upstream-text-of-the-poll';
    const body = { error, error_description: text };
    provider.behaviour.faults.token = answerWith({ status, body });

    const reply = await pollDevice(app, deviceCode);

    expectRefusal(reply, 400, error);
    expect(reply.text()).not.toContain(text);
  });

  it('DV-1: answer 400 invalid_grant to an unknown code', async () => {
    const { deviceCode } = await startDevice(app);

    for (const code of ['unknown', deviceCode.slice(1), `${deviceCode}x`, 'x'.repeat(8192)]) {
      expectRefusal(await pollDevice(app, code), 400, 'invalid_grant');
    }
  });

  it('DV-1: hold an error that the Python client knows, or tokens, whatever comes', async () => {
    const { deviceCode, userCode, intervalSec } = await startDevice(app);
    const seen: unknown[] = [];
    const script = ['authorization_pending', 'slow_down', undefined, 'slow_down', undefined];
    provider.behaviour.token = (_form, usual) => {
      const error = script.shift();
      return error === undefined ? usual() : { status: 400, body: { error } };
    };

    for (let poll = 0; poll < 4; poll += 1) {
      seen.push((await pollDevice(app, deviceCode)).json()['error']);
      clock.advance(intervalSec + 10);
    }
    provider.approveDevice(userCode);
    const done = await pollDevice(app, deviceCode);

    expect(seen).toEqual([
      'authorization_pending',
      'slow_down',
      'authorization_pending',
      'slow_down',
    ]);
    expect(decodeJwt(String(done.json()['access_token'])).sub).toBe(alice.sub);
  });

  it('TK-5: end with 502 when the provider refuses our credentials', async () => {
    const { deviceCode } = await startDevice(app);
    const body = { error: 'invalid_client' };
    provider.behaviour.faults.token = answerWith({ status: 400, body });

    expectRefusal(await pollDevice(app, deviceCode), 502, 'server_error');
  });

  it('DV-1: send the device code with the grant type, and nothing of the caller beside it', async () => {
    const { deviceCode } = await startDevice(app);

    await postToken(app, { device_code: deviceCode, grant_type: DEVICE_GRANT, scope: 'admin' });

    expect(provider.requestsTo('token').map(({ body }) => body)).toEqual([
      { device_code: deviceCode, grant_type: DEVICE_GRANT },
    ]);
  });
});
