import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';

describe.each(flowAdapters)('polls faster than the interval on %s', (adapter) => {
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

  const calls = (): number => provider.requestsTo('token').length;

  const errorOf = async (deviceCode: string): Promise<unknown> =>
    (await pollDevice(app, deviceCode)).json()['error'];

  it('DV-3: cause one call an interval, at a hundred a second', async () => {
    const { deviceCode } = await startDevice(app);
    const perInterval: number[] = [];

    for (let interval = 0; interval < 3; interval += 1) {
      const before = calls();
      for (let poll = 0; poll < 100; poll += 1) {
        await pollDevice(app, deviceCode);
        clock.advance(0.01);
      }
      perInterval.push(calls() - before);
      clock.advance(4);
    }

    expect(perInterval).toEqual([1, 1, 1]);
  });

  it('DV-3: are 400 slow_down without a call, all but the first of many at once', async () => {
    const { deviceCode } = await startDevice(app);

    const replies = await Promise.all(
      Array.from({ length: 30 }, () => pollDevice(app, deviceCode)),
    );

    const slowed = replies.filter((reply) => reply.json()['error'] === 'slow_down');
    expect(slowed).toHaveLength(29);
    for (const reply of slowed) expectRefusal(reply, 400, 'slow_down');
    expect(calls()).toBe(1);
  });

  it.each([
    [undefined, 5],
    [7, 7],
    [1, 1],
    ['12', 12],
  ])('DV-3: are told by the interval of the provider (%j)', async (interval, sec) => {
    provider.behaviour.device = (body) => ({ ...body, interval });
    const { deviceCode } = await startDevice(app);

    const errors = [await errorOf(deviceCode)];
    for (const step of [sec - 0.6, 0.1, sec - 0.6, 0.1]) {
      clock.advance(step);
      errors.push(await errorOf(deviceCode));
    }

    const pending = 'authorization_pending';
    expect(errors).toEqual([pending, 'slow_down', pending, 'slow_down', pending]);
  });

  it.each([0.5, 0.2, 0.01])(
    'DV-3: may be %s seconds early each time, as those of a client whose clock or network is uneven',
    async (early) => {
      const { deviceCode } = await startDevice(app);

      const errors = [];
      for (let poll = 0; poll < 5; poll += 1) {
        errors.push(await errorOf(deviceCode));
        clock.advance(5 - early);
      }

      expect(errors).toEqual(Array.from({ length: 5 }, () => 'authorization_pending'));
    },
  );

  it('DV-3: do not raise the interval', async () => {
    const { deviceCode } = await startDevice(app);
    await pollDevice(app, deviceCode);

    clock.advance(2);
    for (let poll = 0; poll < 10; poll += 1) await pollDevice(app, deviceCode);
    clock.advance(3);

    expect(await errorOf(deviceCode)).toBe('authorization_pending');
  });

  it('DV-3: count for each device code by itself, and for both spellings together', async () => {
    const [one, two] = [await startDevice(app), await startDevice(app)];

    expect(await errorOf(one.deviceCode)).toBe('authorization_pending');
    expect(await errorOf(two.deviceCode)).toBe('authorization_pending');
    expectRefusal(await postToken(app, { device_code: one.deviceCode }), 400, 'slow_down');
  });

  it('DV-3: are told for codes of other instances too, by five seconds', async () => {
    const { deviceCode } = await startDevice(app);
    const other = await startApp({ adapter, provider, clock });

    const errors = [];
    for (const step of [0, 4.4, 0.6]) {
      clock.advance(step);
      errors.push((await pollDevice(other, deviceCode)).json()['error']);
    }

    expect(errors).toEqual(['authorization_pending', 'slow_down', 'authorization_pending']);
    await other.close();
  });

  it('DV-3: are not told by the wall clock', async () => {
    const { deviceCode } = await startDevice(app);
    const start = clock.now();
    await pollDevice(app, deviceCode);

    clock.set(new Date(start.getTime() + 60_000));
    const early = await errorOf(deviceCode);
    clock.set(new Date(start.getTime() - 3_600_000));
    clock.advance(5);
    const inTime = await errorOf(deviceCode);
    clock.set(start);

    expect([early, inTime]).toEqual(['slow_down', 'authorization_pending']);
  });
});
