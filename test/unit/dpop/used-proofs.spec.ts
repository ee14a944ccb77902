import { describe, expect, it } from 'vitest';

import { UsedProofs } from '../../../lib/dpop/used-proofs.js';
import { FakeClock } from '../../support/fake-clock.js';
import { memoryGrowth } from '../../support/memory.js';

const nowOf = (clock: FakeClock): number => clock.now().getTime() / 1000;

function setUp(capacity?: number) {
  const clock = new FakeClock(new Date('2026-05-04T10:00:00Z'));
  const used = new UsedProofs(clock, capacity);
  const proof = (jti: string, iat = nowOf(clock), key = 'key') => ({ key, jti, iat });
  return { clock, used, proof };
}

describe('proofs that were used', () => {
  it('DP-3: are taken once, by key and jti', () => {
    const { used, proof } = setUp();

    expect(used.take(proof('a'))).toBe(true);
    expect(used.take(proof('a'))).toBe(false);
    expect(used.take(proof('b'))).toBe(true);
    expect(used.take(proof('a', undefined, 'another key'))).toBe(true);
  });

  it.each([-60, 0, 0.9, 60])(
    'DP-3: are remembered as long as they count, by an iat of %s s from now',
    (offset) => {
      const { clock, used, proof } = setUp();
      const one = proof('a', nowOf(clock) + offset);
      used.take(one);

      while (nowOf(clock) - one.iat <= 60) {
        expect(used.take(one)).toBe(false);
        clock.advance(1);
      }
    },
  );

  it('DP-3: are given up when they no longer count', () => {
    const { clock, used, proof } = setUp(2);
    used.take(proof('a'));
    used.take(proof('b'));
    clock.advance(62);

    expect([used.take(proof('c')), used.take(proof('d'))]).toEqual([true, true]);
    clock.advance(1);
    expect(() => used.take(proof('e'))).toThrow(/cannot be remembered/); // each is given up once
  });

  it('DP-3: with a full memory: nothing is forgotten early, and nothing more is taken', () => {
    const { clock, used, proof } = setUp(2);
    const first = proof('a');
    used.take(first);
    used.take(proof('b'));

    expect(() => used.take(proof('c'))).toThrow(/cannot be remembered/);
    expect(used.take(first)).toBe(false);
    clock.advance(60);
    expect(used.take(first)).toBe(false);
    expect(() => used.take(proof('c'))).toThrow(/cannot be remembered/);
  });

  it.each([61, 100, 3600])(
    'DP-3: stay used when the clock is set back by %s s after they were forgotten',
    (setBack) => {
      const { clock, used, proof } = setUp();
      const one = proof('a');
      used.take(one);
      const first = clock.now();
      clock.advance(setBack);
      clock.advance(62);
      used.take(proof('b')); // what came then forgot it
      clock.set(first);

      expect(() => used.take(one)).toThrow(/cannot be remembered/);
      expect(() => used.take(proof('c'))).toThrow(/cannot be remembered/); // nobody can tell it from one that was used
      clock.advance(1);
      expect(used.take(proof('d'))).toBe(true);
    },
  );

  it('DP-4: that nothing came of can come again', () => {
    const { used, proof } = setUp(1);
    used.take(proof('a'));
    used.release(proof('never taken'));
    expect(() => used.take(proof('b'))).toThrow(/cannot be remembered/);

    used.release(proof('a'));

    expect(used.take(proof('b'))).toBe(true);
    used.release(proof('b'));
    expect(used.take(proof('a'))).toBe(true);
    expect(() => used.take(proof('b'))).toThrow(/cannot be remembered/); // and makes room for one
  });

  it('DS-2: take no more than 50 MB, whatever they are called', async () => {
    const { used, proof } = setUp();
    const name = 'x'.repeat(200);

    const { heap } = await memoryGrowth(() => {
      for (let at = 0; at < 500_000; at += 1) used.take(proof(`${name}${at}`));
    });

    expect(() => used.take(proof('one more'))).toThrow(/cannot be remembered/);
    expect(heap).toBeLessThan(50 * 1024 * 1024);
  });
});
