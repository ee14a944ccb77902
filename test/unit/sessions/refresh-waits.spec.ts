import { describe, expect, it, vi } from 'vitest';

import { counting } from '../../support/intercept-store.js';
import { PacedClock } from '../../support/paced-clock.js';
import { type SessionInstance, startSessionInstance } from '../../support/session-instance.js';

const OURS = /^[0-9a-f]{32}\./;

/** Somebody else holds the lease of a session for so long. */
async function held(instance: SessionInstance, id: string, seconds: number): Promise<void> {
  const now = instance.clock.now();
  const until = new Date(now.getTime() + seconds * 1000);
  await instance.store.takeLease(id, { leaseId: 'f'.repeat(32), until, now, generation: 1 });
}

/** A session whose refresh waits on a clock of its own. */
async function waiting(timeoutMs: number, random = 0.5) {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  const clock = new PacedClock();
  const instance = await startSessionInstance({ clock, options: { timeoutMs } });
  const { id, refreshToken } = await instance.logIn();
  clock.pauses.length = 0;
  return { instance, clock, id, refreshToken };
}

describe('a refresh that has to wait for another', () => {
  it.each([
    [1175, [25, 50, 100, 200, 400, 400]],
    [1176, [25, 50, 100, 200, 400, 400, 400]],
  ])('RF-4: waits %i ms, longer each time, and then answers 503', async (timeoutMs, pauses) => {
    const { instance, clock, id, refreshToken } = await waiting(timeoutMs);
    clock.passes = () => 0;
    await held(instance, id, 60);
    const leases = counting(instance.store, 'takeLease');

    expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');
    expect(clock.pauses).toEqual(pauses);
    expect(leases.times).toBe(0);
  });

  it.each([
    [0, 18.75],
    [1, 31.25],
  ])('RF-4: waits not in step with others (%d)', async (random, first) => {
    const { instance, clock, id, refreshToken } = await waiting(1000, random);
    await held(instance, id, 60);
    await instance.refresh(refreshToken);

    expect(clock.pauses[0]).toBe(first);
  });

  it('RF-4: looks once more after its time, by the clock, however little it waited', async () => {
    const { instance, clock, id, refreshToken } = await waiting(1000);
    clock.passes = (ms) => (ms === 25 ? 999 : 1);
    await held(instance, id, 60);
    const looks = counting(instance.store, 'findSession');

    expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');
    expect(clock.pauses).toEqual([25, 50]);
    expect(looks.times).toBe(3);
  });

  it('RF-4: goes on as soon as the other’s lease is over', async () => {
    const { instance, clock, id, refreshToken } = await waiting(10_000);
    await held(instance, id, 0.075);

    expect(await instance.refresh(refreshToken)).toMatch(OURS);
    expect(clock.pauses).toEqual([25, 50]);
  });
});
