import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';

import { startKeyKeeper, type KeyKeeper } from '../../support/key-keeper.js';

const MINUTE = 60;
const HOUR = 3600;
const AHEAD = 90 * MINUTE;
const LONGEST = 30 * 24 * HOUR;

async function lifetimeOf(keeper: KeyKeeper): Promise<number> {
  const { exp = 0, iat = 0 } = decodeJwt(await keeper.token());
  return exp - iat;
}

async function isVerifiable({ keys }: KeyKeeper, token: string): Promise<boolean> {
  const { alg = '', kid } = decodeProtectedHeader(token);
  return (await keys.find({ alg, kid })) !== undefined;
}

/** Turns the key into one as it was written before. */
async function forgetLifetime({ store, ring }: KeyKeeper): Promise<void> {
  const [key] = await store.listSigningKeys();
  if (key === undefined) throw new Error('There is no key');
  const sealer = ring.rowSealer('signing key');
  const place = `signing-key/${key.sequence}/private`;
  const { tokenLifetimeSec, ...jwk } = JSON.parse(
    (await sealer.open(key.sealed, place))?.text ?? '{}',
  );
  expect(tokenLifetimeSec).toBe(HOUR);
  const next = await sealer.seal(JSON.stringify(jwk), place);
  expect(await store.resealSigningKey(key.sequence, { expected: key.sealed, next })).toBe(true);
}

const lifetime = (accessTokenLifetimeSec: number) => ({ broker: { accessTokenLifetimeSec } });

describe('two values of accessTokenLifetimeSec in one fleet', () => {
  it.each([
    ['the longer one', 3 * HOUR, 5 * MINUTE],
    ['the shorter one', 2 * HOUR, 3 * HOUR],
  ])(
    'LO-2: make no token that lives longer than each instance knows, when %s made the key',
    async (_, first, second) => {
      const one = await startKeyKeeper(lifetime(first));
      await one.keys.current();
      const { store, clock } = one;
      const other = await startKeyKeeper({ store, clock, ...lifetime(second) });

      const lived = [await lifetimeOf(one), await lifetimeOf(other)];

      expect(lived).toEqual([first, Math.min(first, second)]);
      for (const { keys } of [one, other]) {
        expect(keys.longestTokenLifetimeSec).toBeGreaterThanOrEqual(Math.max(...lived));
      }
    },
  );

  it('let a lifetime of up to an hour count at once, whoever made the key', async () => {
    const short = await startKeyKeeper(lifetime(5 * MINUTE));
    await short.keys.current();
    const { store, clock } = short;
    const long = await startKeyKeeper({ store, clock, ...lifetime(HOUR) });

    expect([await lifetimeOf(short), await lifetimeOf(long)]).toEqual([5 * MINUTE, HOUR]);

    await short.keys.refresh();
    expect(short.keys.longestTokenLifetimeSec).toBe(HOUR);
    expect(await store.listSigningKeys()).toHaveLength(1);
  });

  it('KM-2: let a longer lifetime count when every instance has known the key for an hour that allows it', async () => {
    const short = await startKeyKeeper(lifetime(2 * HOUR));
    await short.keys.current();
    const { store, clock } = short;

    const long = await startKeyKeeper({ store, clock, ...lifetime(4 * HOUR) });
    expect(await lifetimeOf(long)).toBe(2 * HOUR);
    await short.keys.refresh();
    expect(short.keys.longestTokenLifetimeSec).toBe(4 * HOUR);
    clock.advance(AHEAD - 1);
    expect(await lifetimeOf(long)).toBe(2 * HOUR);
    clock.advance(1);

    expect(await lifetimeOf(long)).toBe(4 * HOUR);
    expect(await lifetimeOf(short)).toBe(2 * HOUR);
    await long.keys.refresh();
    await short.keys.refresh();
    expect(await store.listSigningKeys()).toHaveLength(2); // and no further one
  });

  it('KM-2: keep a key until the longest token that it signed has expired', async () => {
    const before = await startKeyKeeper(lifetime(10 * HOUR));
    await before.keys.current();
    const { store, clock } = before;
    clock.advance(90 * 24 * HOUR - AHEAD);
    await before.keys.refresh();
    clock.advance(AHEAD - 1);
    const last = await before.token();

    const after = await startKeyKeeper({ store, clock, ...lifetime(5 * MINUTE) });
    clock.advance(10 * HOUR);
    await after.keys.refresh();
    expect(await isVerifiable(after, last)).toBe(true);

    clock.advance(5 * MINUTE);
    await after.keys.refresh();
    expect(await store.listSigningKeys()).toHaveLength(1);
  });

  it('KM-2: let no key of an emergency allow more than those that the other instances know', async () => {
    const short = await startKeyKeeper(lifetime(2 * HOUR));
    await short.keys.current();
    const { store, clock } = short;
    const long = await startKeyKeeper({ store, clock, ...lifetime(4 * HOUR) });
    await store.deleteSigningKey(2); // the one that would allow more is not there yet

    await long.keys.retire();

    expect(await lifetimeOf(long)).toBe(2 * HOUR);
    expect(short.keys.longestTokenLifetimeSec).toBe(2 * HOUR);
  });

  it('LO-2: count on the longest lifetime of all before the keys were read, and while one cannot be', async () => {
    const other = await startKeyKeeper({
      options: { encryptionKeys: ['old-encryption-key-of-at-least-32-characters'] },
    });
    await other.keys.current();
    const { store, clock } = other;

    const fresh = await startKeyKeeper({ store, clock });
    expect(fresh.keys.longestTokenLifetimeSec).toBe(LONGEST);
    await fresh.keys.refresh();

    expect(fresh.keys.longestTokenLifetimeSec).toBe(LONGEST);
    expect(other.keys.longestTokenLifetimeSec).toBe(HOUR);
  });
});

describe('a key of a version that did not write down how long its tokens live', () => {
  it('fault 12: signs on, counts as one of the longest lifetime, and is followed by one that is written down', async () => {
    const before = await startKeyKeeper();
    await before.keys.current();
    await forgetLifetime(before);
    const { store, clock } = before;

    const after = await startKeyKeeper({ store, clock });
    const [old] = await after.kids();

    expect(after.keys.longestTokenLifetimeSec).toBe(LONGEST);
    expect(await lifetimeOf(after)).toBe(HOUR);
    expect(await isVerifiable(after, await before.token())).toBe(true);
    clock.advance(AHEAD);
    expect((await after.kids())[0]).not.toBe(old);
    clock.advance(2 * HOUR);
    await after.keys.refresh();
    expect(after.keys.longestTokenLifetimeSec).toBe(HOUR);
    expect(await store.listSigningKeys()).toHaveLength(1);
  });
});
