import { describe, expect, it } from 'vitest';

import { DpopNonces } from '../../../lib/dpop/nonces.js';
import { FakeClock } from '../../support/fake-clock.js';
import { RING_KEY, keyRing } from '../../support/key-ring.js';

const OTHER_KEY = 'the-encryption-key-of-another-application';

function setUp(clock = new FakeClock(new Date('2026-05-04T10:00:00Z')), keys = [RING_KEY]) {
  const nonces = new DpopNonces(keyRing({ encryptionKeys: keys }), clock, 5);
  return { clock, nonces };
}

describe('nonces for proofs', () => {
  it('DP-3: count for 30 s, and age after half of them', () => {
    const { clock, nonces } = setUp();
    const nonce = nonces.fresh();
    const stateAfter = (seconds: number) => {
      clock.advance(seconds);
      return nonces.stateOf(nonce);
    };

    expect([stateAfter(0), stateAfter(15), stateAfter(1)]).toEqual(['good', 'good', 'ageing']);
    expect([stateAfter(14), stateAfter(1)]).toEqual(['ageing', 'over']);
    expect(nonces.stateOf(nonces.fresh())).toBe('good');
  });

  it('DP-3: are known to every instance with the same keys, whose clock may differ a little', () => {
    const { clock, nonces } = setUp();
    const behind = new FakeClock(new Date(clock.now().getTime() - 5000));
    const farBehind = new FakeClock(new Date(clock.now().getTime() - 6000));
    const nonce = nonces.fresh();

    expect(setUp(clock).nonces.stateOf(nonce)).toBe('good');
    expect(setUp(behind).nonces.stateOf(nonce)).toBe('good');
    expect(setUp(clock, [OTHER_KEY, RING_KEY]).nonces.stateOf(nonce)).toBe('good');
    expect(setUp(farBehind).nonces.stateOf(nonce)).toBe('over');
    expect(setUp(clock, [OTHER_KEY]).nonces.stateOf(nonce)).toBe('over');
  });

  it('DP-3: are nothing that anybody else could make', () => {
    const { clock, nonces } = setUp();
    const nonce = nonces.fresh();
    clock.advance(5);
    const [time, code] = [nonces.fresh().slice(0, 8), nonce.slice(8)];

    const others: unknown[] = ['', 'x', `${nonce}=`, `${nonce}A`, nonce.slice(1), time + code];
    for (const other of [...others, undefined, null, 7, [nonce], {}]) {
      expect(nonces.stateOf(other), String(other)).toBe('over');
    }
    for (let at = 0; at < nonce.length; at += 1) {
      const flipped = nonce.slice(0, at) + (nonce[at] === 'A' ? 'B' : 'A') + nonce.slice(at + 1);
      expect(nonces.stateOf(flipped), flipped).toBe('over');
    }
  });
});
