import { describe, expect, it, vi } from 'vitest';

import { RemoteKeySet } from '../../../lib/http/remote-key-set.js';
import { usableKeys } from '../../../lib/http/usable-keys.js';
import { FakeClock } from '../../support/fake-clock.js';
import { testKey, withKid } from '../../support/signing-keys.js';

const MINUTE_SEC = 60;

async function setUp() {
  const clock = new FakeClock();
  const { alg: _alg, ...jwk } = withKid(await testKey('RS256'), 'one').publicJwk;
  const other = withKid(await testKey('ES256'), 'other').publicJwk;
  const load = vi.fn(async () => usableKeys({ keys: [jwk, other] }));
  const keys = new RemoteKeySet({ load, clock, staleSec: 86_400, cooldownSec: 30 });
  return { clock, keys, load };
}

describe('a key of a remote set', () => {
  const header = { alg: 'RS256', kid: 'one' };

  it('is given without a promise, once it was imported for its algorithm', async () => {
    const { keys } = await setUp();

    expect(keys.candidates(header)).toBeInstanceOf(Promise);
    const [first] = await keys.candidates(header);

    expect(keys.candidates(header)).toEqual([first]);
    expect(keys.candidates({ ...header, alg: 'PS256' })).toBeInstanceOf(Promise);
    const [second] = await keys.candidates({ ...header, alg: 'PS256' });
    expect(keys.candidates({ ...header, alg: 'PS256' })).toEqual([second]);
    expect(second?.key).not.toBe(first?.key);
  });

  it('JW-3: is looked at anew once the set is old', async () => {
    const { clock, keys, load } = await setUp();
    await keys.candidates(header);

    clock.advance(5 * MINUTE_SEC - 1);
    expect(keys.candidates(header)).toHaveLength(1);
    expect(load).toHaveBeenCalledTimes(1);
    clock.advance(1);
    expect(keys.candidates(header)).toBeInstanceOf(Promise);
    await vi.waitFor(() => expect(load).toHaveBeenCalledTimes(2));
  });

  it.each([
    ['of another id', { alg: 'RS256', kid: 'none of these' }],
    ['of another algorithm', { alg: 'ES256', kid: 'one' }],
    ['of another key', { alg: 'RS256', kid: 'other' }],
  ])('JV-5: serves no token %s', async (_, other) => {
    const { keys } = await setUp();
    await keys.candidates(header);

    expect(await keys.candidates(other)).toEqual([]);
  });
});
