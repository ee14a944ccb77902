import { describe, expect, it } from 'vitest';

import { KnownRevocations } from '../../../lib/sessions/known-revocations.js';
import { FakeClock } from '../../support/fake-clock.js';

type Kind = 'session' | 'token' | 'subject';

const HOUR_MS = 3_600_000;
const MOST = 100_000;

describe('the revocations that an instance remembers', () => {
  it('DS-2: are a fixed number, and what came before them is refused by its age', () => {
    const clock = new FakeClock();
    const known = new KnownRevocations(clock);
    const began = Math.floor(clock.now().getTime() / 1000) * 1000;
    const at = (second: number) => new Date(began + second * 1000);
    const many = Array.from({ length: MOST + 5000 }, (_, second) => ({
      kind: 'session' as const,
      id: `${second}`,
      at: at(second),
    }));

    known.addAll(many.slice(0, MOST - 1), 1000 * HOUR_MS);
    expect(known.size).toBe(MOST - 1);
    expect(known.isForgotten(began / 1000 - HOUR_MS)).toBe(false);
    known.addAll(many.slice(0, MOST), 1000 * HOUR_MS);
    expect(known.isForgotten(began / 1000)).toBe(true); // there may have been more
    known.addAll([...many.slice(MOST / 2), ...many.slice(0, MOST / 2)], 1000 * HOUR_MS);

    expect(known.size).toBe(MOST);
    for (const second of [0, 4999]) {
      expect(known.has('session', `${second}`)).toBe(false);
      expect(known.isForgotten(began / 1000 + second)).toBe(true);
    }
    expect(known.has('session', '5000')).toBe(true);
    expect(known.isForgotten(began / 1000 + 5000)).toBe(true); // others of that second were left out
    for (const second of [5001, MOST + 4999]) {
      expect(known.has('session', `${second}`)).toBe(true);
      expect(known.isForgotten(began / 1000 + second)).toBe(false);
    }
    known.addAll(many.slice(-10), 1000 * HOUR_MS); // the others have expired
    expect(known.isForgotten(0)).toBe(false);
  });

  it.each<[kind: Kind, others: Kind[]]>([
    ['session', ['token', 'subject']],
    ['token', ['session', 'subject']],
    ['subject', ['session', 'token']],
  ])('LO-2: of a %s are of no %j with the same id', (kind, others) => {
    const clock = new FakeClock();
    const known = new KnownRevocations(clock);
    const at = clock.now();

    expect(known.addAll([{ kind, id: 'same', at }], HOUR_MS)).toHaveLength(1);

    expect([known.has(kind, 'same'), known.atMs(kind, 'same')]).toEqual([true, at.getTime()]);
    for (const other of others) {
      expect([known.has(other, 'same'), known.atMs(other, 'same')]).toEqual([false, -Infinity]);
    }
    expect(known.addAll([{ kind, id: 'same', at }], HOUR_MS)).toEqual([]); // no news any more
    expect(known.size).toBe(1);
  });

  it('fault 13: are dropped by the time that has passed, whatever the wall clock says', () => {
    const clock = new FakeClock();
    const known = new KnownRevocations(clock);
    const now = clock.now();
    known.add({ kind: 'token', id: 'ours', at: now });
    known.add({ kind: 'token', id: 'of a clock ahead', at: new Date(now.getTime() + HOUR_MS) });
    const namesAfter = (seconds: number): string[] => {
      clock.advance(seconds);
      clock.set(new Date(now.getTime() + 30 * 24 * HOUR_MS));
      known.addAll([], 2 * HOUR_MS);
      return ['ours', 'of a clock ahead'].filter((id) => known.has('token', id));
    };

    expect(namesAfter(7200)).toEqual(['ours', 'of a clock ahead']);
    expect(namesAfter(1)).toEqual(['of a clock ahead']);
    expect(namesAfter(3599)).toEqual(['of a clock ahead']);
    expect(namesAfter(1)).toEqual([]);
  });

  it('fault 13: count from when they were heard of first, to the millisecond', () => {
    const clock = new FakeClock();
    const known = new KnownRevocations(clock);
    const revoked = { kind: 'token', id: 'x', at: clock.now() } as const;
    known.add(revoked);

    clock.advance(3600);
    known.addAll([revoked], 2 * HOUR_MS);
    clock.advance(3600);
    known.addAll([], 2 * HOUR_MS);
    expect(known.has('token', 'x')).toBe(true);
    clock.advance(0.001);
    known.addAll([], 2 * HOUR_MS);
    expect(known.has('token', 'x')).toBe(false);
  });

  it('DS-2: know how many tokens of a subject they are, as long as they count', () => {
    const clock = new FakeClock();
    const known = new KnownRevocations(clock);
    const count = (id: string, subject: string): void => {
      known.add({ kind: 'token', id, at: clock.now() });
      known.countTokenOf(subject, id);
    };

    expect(known.tokensOf('alice')).toBe(0);
    count('a', 'alice');
    count('b', 'bob');
    clock.advance(3600);
    count('c', 'alice');
    expect([known.tokensOf('alice'), known.tokensOf('bob')]).toEqual([2, 1]);

    clock.advance(3600);
    known.addAll([], HOUR_MS);
    expect([known.tokensOf('alice'), known.tokensOf('bob')]).toEqual([1, 0]);
    clock.advance(3600);
    known.addAll([], HOUR_MS);
    expect(known.tokensOf('alice')).toBe(0);
  });

  it('keep the later time of what is revoked again', () => {
    const known = new KnownRevocations(new FakeClock());
    for (const at of [2, 3, 1]) known.add({ kind: 'subject', id: 'x', at: new Date(at) });

    expect(known.atMs('subject', 'x')).toBe(3);
    expect(known.atMs('token', 'x')).toBe(-Infinity);
  });
});
