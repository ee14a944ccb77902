import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LiveCalls } from '../../../lib/guard/live-calls.js';
import type { Identity } from '../../../lib/tokens/identity.js';
import { FakeClock } from '../../support/fake-clock.js';

/** What a revocation, or the end of a token, may take (GW-2). */
const LIMIT_MS = 10_000;

describe('what lives longer than the call that opened it', () => {
  let clock: FakeClock;
  let live: LiveCalls;

  beforeEach(() => {
    vi.useFakeTimers();
    clock = new FakeClock();
    live = new LiveCalls(clock);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const tokenFor = (seconds: number, holds: () => boolean = () => true): Identity =>
    Object({ claims: { exp: clock.now().getTime() / 1000 + seconds }, roles: [], holds });

  it('GW-2: ends with its token, without being asked, within ten seconds', () => {
    const [short, long] = [vi.fn(), vi.fn()];
    live.watch({ identity: tokenFor(60), end: short });
    live.watch({ identity: tokenFor(600), end: long });
    vi.advanceTimersByTime(LIMIT_MS);
    expect(short).not.toHaveBeenCalled();

    clock.advance(61);
    vi.advanceTimersByTime(LIMIT_MS);
    vi.advanceTimersByTime(LIMIT_MS);

    expect(short).toHaveBeenCalledTimes(1);
    expect(long).not.toHaveBeenCalled();
  });

  it('GW-2: ends when its token is revoked, within ten seconds', () => {
    let holds = true;
    const end = vi.fn();
    live.watch({ identity: tokenFor(600, () => holds), end });
    holds = false;
    vi.advanceTimersByTime(LIMIT_MS);

    expect(end).toHaveBeenCalledTimes(1);
  });

  it('goes on by the token that counts at the moment', () => {
    const end = vi.fn();
    const call = { identity: tokenFor(60), end };
    live.watch(call);
    call.identity = tokenFor(600);
    clock.advance(61);
    vi.advanceTimersByTime(LIMIT_MS);

    expect(end).not.toHaveBeenCalled();
  });

  it('has one timer for all, and none when there are none', () => {
    expect(vi.getTimerCount()).toBe(0);
    const [first, second] = [1, 2].map(() => live.watch({ identity: tokenFor(60), end: vi.fn() }));
    expect(vi.getTimerCount()).toBe(1);
    first?.();
    first?.();
    expect(vi.getTimerCount()).toBe(1);
    second?.();
    expect(vi.getTimerCount()).toBe(0);

    live.watch({ identity: tokenFor(60), end: vi.fn() });
    expect(vi.getTimerCount()).toBe(1);
    clock.advance(61);
    vi.advanceTimersByTime(LIMIT_MS);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is let go when the application ends', () => {
    const end = vi.fn();
    live.watch({ identity: tokenFor(60), end });

    live.beforeApplicationShutdown();
    clock.advance(61);
    live.sweep();

    expect(vi.getTimerCount()).toBe(0);
    expect(end).not.toHaveBeenCalled();
  });
});
