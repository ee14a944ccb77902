import { setTimeout as wait } from 'node:timers/promises';

import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startKeyKeeper, type KeyKeeper } from '../../support/key-keeper.js';

const HOUR = 3600;
const LIFETIME = 90 * 24 * HOUR;
const AHEAD = 5400;

/** Whether a token's key is found, which is what the guard asks. */
async function isVerifiable({ keys }: KeyKeeper, token: string): Promise<boolean> {
  const { alg = '', kid } = decodeProtectedHeader(token);
  return (await keys.find({ alg, kid })) !== undefined;
}

/** Tells what it held a moment ago, as a database behind a network does. */
class SlowStore extends MemoryBrokerStore {
  beforeRetirement: () => void = () => undefined;

  override async listSigningKeys(): ReturnType<MemoryBrokerStore['listSigningKeys']> {
    const keys = await super.listSigningKeys();
    await wait(20);
    return keys;
  }

  override async retireSigningKey(sequence: number, at: Date): Promise<boolean> {
    this.beforeRetirement();
    await wait(5);
    return super.retireSigningKey(sequence, at);
  }
}

describe('the rotation of signing keys', () => {
  it('KM-2: publishes the next key an hour and more before it signs, twice in a row', async () => {
    const keeper = await startKeyKeeper({ broker: { keyLifetimeSec: 24 * HOUR } });
    const { keys, clock } = keeper;
    let [signing = ''] = await keeper.kids();

    for (let turn = 0; turn < 2; turn += 1) {
      let published = clock.now();
      while ((await keeper.kids()).length === 1) {
        clock.advance(600);
        await keys.refresh();
        published = clock.now();
      }
      const [still, next] = await keeper.kids();
      expect(still).toBe(signing);
      while ((await keeper.kids())[0] === signing) clock.advance(60);
      const aheadSec = (clock.now().getTime() - published.getTime()) / 1000;

      expect(aheadSec).toBeGreaterThanOrEqual(HOUR);
      expect(aheadSec).toBeLessThanOrEqual(AHEAD + 60);
      expect((await keeper.kids())[0]).toBe(next);
      signing = next ?? '';
      clock.advance(2 * HOUR);
      await keys.refresh();
    }

    expect(await keeper.store.listSigningKeys()).toHaveLength(1);
  });

  it('KM-2: begins to sign with the next key on time, without a look at the store', async () => {
    const keeper = await startKeyKeeper();
    const [first] = await keeper.kids();
    keeper.clock.advance(LIFETIME - AHEAD);
    await keeper.keys.refresh();
    const [, next] = await keeper.kids();

    keeper.clock.advance(AHEAD - 1);
    expect((await keeper.kids())[0]).toBe(first);
    keeper.clock.advance(1);

    expect((await keeper.kids())[0]).toBe(next);
  });

  it('KM-2: publishes the old key until its last token has expired, and then no longer', async () => {
    const keeper = await startKeyKeeper();
    const { keys, clock } = keeper;
    await keys.current();
    clock.advance(LIFETIME - AHEAD);
    await keys.refresh();
    clock.advance(AHEAD - 1);
    const last = await keeper.token();

    clock.advance(HOUR); // the token's whole lifetime
    await keys.refresh();
    expect(decodeJwt(last).exp).toBe(Math.floor(clock.now().getTime() / 1000));
    expect(await isVerifiable(keeper, last)).toBe(true);

    clock.advance(120);
    await keys.refresh();
    expect(await isVerifiable(keeper, last)).toBe(false);
    expect(await keys.published()).toHaveLength(1);
    expect(await keeper.store.listSigningKeys()).toHaveLength(1);
  });

  it('KM-2: makes one next key, however many instances find that it is time', async () => {
    const [store, clock] = [new MemoryBrokerStore(), new FakeClock()];
    const fleet = await Promise.all(
      Array.from({ length: 6 }, () => startKeyKeeper({ store, clock })),
    );
    await Promise.all(fleet.map(({ keys }) => keys.current()));

    clock.advance(LIFETIME - HOUR);
    await Promise.all(fleet.map(({ keys }) => keys.refresh()));

    expect(await store.listSigningKeys()).toHaveLength(2);
    const sets = await Promise.all(fleet.map((keeper) => keeper.kids()));
    expect(new Set(sets.map((kids) => kids.join())).size).toBe(1);
  });

  it('KM-2: publishes a key ahead also when nobody looked while it was time', async () => {
    const before = await startKeyKeeper();
    const [old] = await before.kids();
    const { store, clock } = before;
    clock.advance(LIFETIME + 30 * 24 * HOUR);

    const later = await startKeyKeeper({ store, clock });

    const [signing, next] = await later.kids();
    expect([signing, typeof next]).toEqual([old, 'string']);
    clock.advance(HOUR);
    expect((await later.kids())[0]).toBe(old);
    clock.advance(1800);
    expect((await later.kids())[0]).toBe(next);
  });

  it('KM-2: changes the algorithm in the same way, published ahead', async () => {
    const before = await startKeyKeeper();
    const { store, clock } = before;
    const [old] = await before.kids();

    const after = await startKeyKeeper({ store, clock, broker: { signingAlgorithm: 'EdDSA' } });

    expect((await after.kids())[0]).toBe(old);
    expect((await after.keys.published()).map(({ alg }) => alg)).toEqual(['ES256', 'EdDSA']);
    clock.advance(AHEAD);
    expect((await after.keys.current()).algorithm).toBe('EdDSA');
  });

  it('fault 13: a clock that is set back makes no key and takes none away', async () => {
    const keeper = await startKeyKeeper();
    const { keys, clock, store } = keeper;
    await keys.current();
    clock.advance(LIFETIME - HOUR);
    await keys.refresh();
    const before = await keeper.kids();

    clock.set(new Date(clock.now().getTime() - LIFETIME));
    await keys.refresh();

    expect((await keeper.kids()).toSorted()).toEqual(before.toSorted());
    expect(await store.listSigningKeys()).toHaveLength(2);
  });
});

describe('the retirement of a signing key in an emergency', () => {
  it('KM-2: ends its tokens here at once and elsewhere with the next pull, and another key signs', async () => {
    const here = await startKeyKeeper();
    const { store, clock } = here;
    const there = await startKeyKeeper({ store, clock });
    const token = await here.token();
    const { alg = '', kid } = decodeProtectedHeader(token);
    const found = await there.keys.find({ alg, kid });
    if (found === undefined) throw new Error('There is no key');
    const events = here.record('signing-key');

    expect(await here.keys.retire()).toBe(true);

    expect(await isVerifiable(here, token)).toBe(false);
    const [next] = await here.kids();
    expect(next).not.toBe(kid);
    expect(await here.keys.published()).toHaveLength(1);
    await there.keys.refresh();
    expect(await isVerifiable(there, token)).toBe(false);
    expect(there.keys.holds(found)).toBe(false); // for what was verified with it before
    expect((await there.kids())[0]).toBe(next);
    expect(events.map(({ change }) => change)).toEqual(['created', 'retired', 'signs']);
  });

  it('KM-2: counts here at once, whatever a reading that began before it saw', async () => {
    const store = new SlowStore();
    const keeper = await startKeyKeeper({ store });
    const token = await keeper.token();
    let reading: Promise<void> | undefined;
    store.beforeRetirement = () => {
      reading = keeper.keys.refresh();
    };

    expect(await keeper.keys.retire()).toBe(true);

    expect(await isVerifiable(keeper, token)).toBe(false);
    await reading;
    expect(await isVerifiable(keeper, token)).toBe(false);
  });

  it('KM-2: takes the next key too, and any by its id, each once', async () => {
    const keeper = await startKeyKeeper();
    const { keys, clock } = keeper;
    const [first] = await keeper.kids();
    clock.advance(LIFETIME - HOUR);
    await keys.refresh();
    const [, next] = await keeper.kids();

    expect(await keys.retire(next)).toBe(true);
    expect(await keys.retire(next)).toBe(false);
    expect(await keys.retire('unknown')).toBe(false);

    const [signing, another] = await keeper.kids();
    expect(signing).toBe(first);
    expect(another).not.toBe(next);
    expect(await keys.retire()).toBe(true);
    expect((await keeper.kids())[0]).not.toBe(first);
  });

  it('KM-2: leaves one key that signs when two instances retire the same one', async () => {
    const one = await startKeyKeeper();
    const { store, clock } = one;
    const other = await startKeyKeeper({ store, clock });
    const [old] = await one.kids();
    await other.keys.current();

    await Promise.all([one.keys.retire(old), other.keys.retire(old)]);
    await Promise.all([one.keys.refresh(), other.keys.refresh()]);

    const [ofOne, ofOther] = [await one.kids(), await other.kids()];
    expect(ofOne).toEqual(ofOther);
    expect(ofOne).not.toContain(old);
  });

  it('KM-2: leaves no row behind once its last token would have expired', async () => {
    const keeper = await startKeyKeeper();
    const { keys, clock, store } = keeper;
    await keys.current();
    await keys.retire();
    expect(await store.listSigningKeys()).toHaveLength(2);

    clock.advance(2 * HOUR);
    await keys.refresh();

    expect(await store.listSigningKeys()).toHaveLength(1);
  });
});
