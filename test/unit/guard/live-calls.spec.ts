import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { LiveCalls } from '../../../lib/guard/live-calls.js';
import type { Identity } from '../../../lib/tokens/identity.js';
import { FakeClock } from '../../support/fake-clock.js';

/** What a revocation, or the end of a token, may take (GW-2). */
const LIMIT_MS = 10_000;

describe('what lives longer than the call that opened it', () => {
  let clock: FakeClock;
  let live: LiveCalls;
  const faults: unknown[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    clock = new FakeClock();
    faults.length = 0;
    const report = (_: string, error: unknown) => void faults.push(error);
    live = new LiveCalls(clock, Object({ report }));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const tokenFor = (seconds: number, holds: () => boolean = () => true): Identity =>
    Object({ claims: { exp: clock.now().getTime() / 1000 + seconds }, roles: [], holds });

  /** A caller whose session was looked at just now, for a while; `again` looks again. */
  const looked = (again: () => Promise<Identity>, freshSec = 5): Identity => {
    const nowSec = Math.floor(clock.now().getTime() / 1000);
    const until = nowSec + freshSec;
    const isFresh = () => clock.now().getTime() / 1000 < until;
    return { ...tokenFor(600), look: { isFresh, untilSec: nowSec + 60, again } };
  };

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
    void live.sweep();

    expect(vi.getTimerCount()).toBe(0);
    expect(end).not.toHaveBeenCalled();
  });

  describe('by a session', () => {
    const refusal = new OAuthError('invalid_token', 'over');
    const down = new OAuthError('temporarily_unavailable', 'down');

    it('is not looked at while the last look is fresh, and then once at a time', async () => {
      let seen: ((identity: Identity) => void) | undefined;
      const again = vi.fn(() => new Promise<Identity>((resolve) => (seen = resolve)));
      const call = { identity: looked(again), end: vi.fn() };
      live.watch(call);
      clock.advance(4);
      await live.sweep();
      expect(again).not.toHaveBeenCalled();

      clock.advance(1);
      const sweeps = [live.sweep(), live.sweep()];
      expect(again).toHaveBeenCalledTimes(1);
      const next = looked(again);
      seen?.(next);
      await Promise.all(sweeps);

      expect(call.identity).toBe(next);
      clock.advance(5);
      void live.sweep();
      expect(again).toHaveBeenCalledTimes(2);
      expect(call.end).not.toHaveBeenCalled();
    });

    it('GW-2: ends with what the look says', async () => {
      const end = vi.fn();
      live.watch({ identity: looked(() => Promise.reject(refusal), 0), end });
      await live.sweep();
      await live.sweep();

      expect(end.mock.calls).toEqual([[refusal]]);
    });

    it('GW-2: ends at once with a revocation, which needs no look', () => {
      const [again, end] = [vi.fn(), vi.fn()];
      live.watch({ identity: { ...looked(again), holds: () => false }, end });
      void live.sweep();

      expect(end).toHaveBeenCalledTimes(1);
      expect(again).not.toHaveBeenCalled();
    });

    it('goes on where nobody can tell, until what was seen is too old', async () => {
      const end = vi.fn();
      live.watch({ identity: looked(() => Promise.reject(down)), end });
      clock.advance(59);
      await live.sweep();
      expect(end).not.toHaveBeenCalled();

      clock.advance(1);
      await live.sweep();
      expect(end.mock.calls).toEqual([[down]]);
    });

    it('is looked at where its limit would be over by now: its use may have moved it', async () => {
      const [end, next] = [vi.fn(), looked(vi.fn(), 1200)];
      const again = vi.fn(async () => ({ ...next, claims: { ...next.claims, exp: 2e9 } }));
      live.watch({ identity: looked(again, 1200), end });
      clock.advance(601);
      await live.sweep();
      await live.sweep();

      expect(again).toHaveBeenCalledTimes(1);
      expect(end).not.toHaveBeenCalled();
    });

    it('ends with a fault of the host, which is told', async () => {
      const [end, fault] = [vi.fn(), new TypeError('a fault')];
      live.watch({ identity: looked(() => Promise.reject(fault), 0), end });
      await live.sweep();

      expect(end.mock.calls).toEqual([[undefined]]);
      expect(faults).toEqual([fault]);
    });

    it('leaves alone who got a fresh token, or has gone, while somebody looked', async () => {
      let refuse: ((error: unknown) => void) | undefined;
      const again = () => new Promise<Identity>((_, reject) => (refuse = reject));
      for (const meanwhile of ['renewed', 'gone']) {
        const call = { identity: looked(again, 0), end: vi.fn() };
        const forget = live.watch(call);
        const sweep = live.sweep();
        const fresh = tokenFor(600);
        if (meanwhile === 'renewed') call.identity = fresh;
        else forget();
        refuse?.(refusal);
        await sweep;

        expect(call.end).not.toHaveBeenCalled();
        forget();
      }
    });

    it('is looked at in small numbers, and one that takes long keeps no other waiting', async () => {
      let asked = 0;
      let answer: ((identity: Identity) => void) | undefined;
      const slow = () => new Promise<Identity>((resolve) => ((asked += 1), (answer = resolve)));
      const quick = async (): Promise<Identity> => looked(quick);
      const end = vi.fn();
      for (let one = 0; one < 20; one += 1) live.watch({ identity: looked(slow, 0), end });
      void live.sweep();
      expect(asked).toBe(10);

      const call = { identity: looked(quick, 0), end };
      live.watch(call);
      await live.sweep();
      expect(call.identity.look?.isFresh()).toBe(true);
      expect(asked).toBe(10);
      answer?.(looked(quick));
      await vi.waitFor(() => expect(asked).toBe(11));
    });
  });
});
