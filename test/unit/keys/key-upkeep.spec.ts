import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';

import type { BrokerStore } from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { countingStore } from '../../support/counting-store.js';
import { startKeyKeeper, type KeyKeeper } from '../../support/key-keeper.js';
import { SteppedClock } from '../../support/stepped-clock.js';

const HOUR = 3600;
const LIFETIME = 90 * 24 * HOUR;
const OLD = 'old-encryption-key-of-at-least-32-characters';
const NEW = 'new-encryption-key-of-at-least-32-characters';

async function isVerifiable({ keys }: KeyKeeper, token: string): Promise<boolean> {
  const { alg = '', kid } = decodeProtectedHeader(token);
  return (await keys.find({ alg, kid })) !== undefined;
}

/** An instance with a key that is over and one that signs. */
async function withOldKey(store: BrokerStore): Promise<KeyKeeper> {
  const keeper = await startKeyKeeper({ store });
  await keeper.keys.current();
  keeper.clock.advance(LIFETIME - HOUR);
  await keeper.keys.refresh();
  keeper.clock.advance(4 * HOUR);
  return keeper;
}

describe.each(['reject', 'hang'] as const)('a store whose deletions %s', (fault) => {
  it('KM-2: keeps no key from being retired, here at once and elsewhere with the next look', async () => {
    const counting = countingStore();
    const { store, faults } = counting;
    const here = await withOldKey(store);
    const there = await startKeyKeeper({ store, clock: here.clock });
    await there.keys.current();
    faults.set('deleteSigningKey', fault);
    void here.keys.tidyUp();
    const token = await here.token();
    expect(await isVerifiable(there, token)).toBe(true);

    expect(await here.keys.retire()).toBe(true);
    expect(await isVerifiable(here, token)).toBe(false);
    void there.keys.tidyUp();
    await there.keys.look();

    expect(await isVerifiable(there, token)).toBe(false);
    expect((await there.kids())[0]).toBe((await here.kids())[0]);
    expect(counting.count('deleteSigningKey')).toBeGreaterThan(0);
  });
});

describe('a store whose deletions take long', () => {
  it('KM-2: keeps no next key from being made by whoever tidies up meanwhile', async () => {
    const store = new MemoryBrokerStore();
    const { keys, clock } = await withOldKey(store);
    let meanwhile: Promise<void> | undefined;
    const deleteSigningKey = store.deleteSigningKey.bind(store);
    store.deleteSigningKey = async (...key) => {
      clock.advance(LIFETIME - HOUR);
      meanwhile ??= keys.tidyUp();
      await deleteSigningKey(...key);
    };

    await keys.tidyUp();
    await meanwhile;

    expect(meanwhile).toBeDefined();
    expect(await store.listSigningKeys()).toHaveLength(2);
  });
});

describe('a store that deletes nothing', () => {
  it('KM-2: keeps no next key from being published, and is tried again later and later', async () => {
    const counting = countingStore();
    const keeper = await withOldKey(counting.store);
    counting.faults.set('deleteSigningKey', 'reject');

    keeper.clock.advance(LIFETIME - HOUR);
    for (let turn = 0; turn < 100; turn += 1) {
      await keeper.keys.refresh();
      keeper.clock.advance(5);
    }

    expect(await keeper.keys.published()).toHaveLength(2);
    expect(counting.count('deleteSigningKey')).toBeLessThan(40); // each time twice; 500 s
    counting.faults.clear();
    keeper.clock.advance(60);
    await keeper.keys.refresh();
    expect(await counting.store.listSigningKeys()).toHaveLength(2);
  });
});

describe('a store that takes no new keys', () => {
  it('KM-1: makes one key on a first start, however many requests want it, and uses it when it can', async () => {
    const { store, faults, count, offeredKeys: offered } = countingStore();
    faults.set('insertSigningKey', 'reject');
    const keeper = await startKeyKeeper({ store });

    for (let second = 0; second < 100; second += 1) {
      const asked = Array.from({ length: 10 }, () => keeper.keys.current());
      for (const one of await Promise.allSettled(asked)) {
        expect(one).toMatchObject({ status: 'rejected', reason: { status: 503 } });
      }
      await expect(keeper.keys.published()).rejects.toMatchObject({ status: 503 });
      keeper.clock.advance(1);
    }

    expect(new Set(offered).size).toBe(1);
    expect(count('insertSigningKey')).toBeLessThan(20);
    faults.clear();
    keeper.clock.advance(60);
    expect((await keeper.keys.current()).kid).toBe(offered[0]);
    expect(await store.listSigningKeys()).toHaveLength(1);
  });

  it('KM-1: is asked for the key that another instance could make', async () => {
    const shared = new MemoryBrokerStore();
    const { store, faults } = countingStore(shared);
    faults.set('insertSigningKey', 'reject');
    const keeper = await startKeyKeeper({ store });
    await expect(keeper.keys.current()).rejects.toMatchObject({ status: 503 });
    const { kid } = await (await startKeyKeeper({ store: shared })).keys.current();

    await keeper.keys.refresh();

    expect((await keeper.keys.current()).kid).toBe(kid);
  });

  it('KM-2: keeps no key from being retired, though no other one signs until it does', async () => {
    const { store, faults } = countingStore();
    const here = await startKeyKeeper({ store });
    const there = await startKeyKeeper({ store, clock: here.clock });
    const token = await here.token();
    expect(await isVerifiable(there, token)).toBe(true);
    faults.set('insertSigningKey', 'reject');

    expect(await here.keys.retire()).toBe(true);
    await there.keys.refresh();

    expect(await isVerifiable(here, token)).toBe(false);
    expect(await isVerifiable(there, token)).toBe(false);
    await expect(here.token()).rejects.toMatchObject({ status: 503 });
    await expect(there.token()).rejects.toMatchObject({ status: 503 });
    faults.clear();
    here.clock.advance(60);
    expect(await isVerifiable(there, await here.token())).toBe(true);
    expect(await store.listSigningKeys()).toHaveLength(2);
  });

  it('KM-2: keeps no key from being retired, though it never answers', async () => {
    const { store, faults } = countingStore();
    const clock = new SteppedClock();
    const here = await startKeyKeeper({ store, clock });
    const there = await startKeyKeeper({ store, clock });
    const token = await here.token();
    expect(await isVerifiable(there, token)).toBe(true);
    faults.set('insertSigningKey', 'hang');

    const retired = here.keys.retire();
    await clock.asleep(3000);
    clock.advance(3);

    expect(await retired).toBe(true);
    expect(await isVerifiable(here, token)).toBe(false);
    await there.keys.look();
    expect(await isVerifiable(there, token)).toBe(false);
  });

  it('KM-2: is offered another key in an emergency than the one that waits in memory', async () => {
    const { store, faults, offeredKeys: offered } = countingStore();
    const keeper = await startKeyKeeper({ store });
    await keeper.keys.current();
    faults.set('insertSigningKey', 'reject');
    keeper.clock.advance(LIFETIME - HOUR);
    await keeper.keys.refresh();
    const waiting = offered.at(-1);
    faults.clear();

    await keeper.keys.retire();

    expect(new Set(offered).size).toBe(3);
    expect((await keeper.keys.current()).kid).not.toBe(waiting);
  });
});

describe('a store that fails right after a key was retired', () => {
  it('KM-2: ends its tokens here at once all the same', async () => {
    const behind = new MemoryBrokerStore();
    const { store, faults } = countingStore(behind);
    const retireSigningKey = behind.retireSigningKey.bind(behind);
    behind.retireSigningKey = async (...call) => {
      faults.set('listSigningKeys', 'reject');
      return retireSigningKey(...call);
    };
    const keeper = await startKeyKeeper({ store });
    const token = await keeper.token();

    expect(await keeper.keys.retire()).toBe(true);

    expect(await isVerifiable(keeper, token)).toBe(false);
  });
});

describe('a store that takes no new text of a key', () => {
  it('fault 20: makes no key useless that an older encryption key opens', async () => {
    const before = await startKeyKeeper({ options: { encryptionKeys: [OLD] } });
    const { kid } = await before.keys.current();
    const { clock } = before;
    const counting = countingStore(before.store);
    counting.faults.set('resealSigningKey', 'reject');
    const options = { encryptionKeys: [NEW, OLD] };

    const after = await startKeyKeeper({ store: counting.store, clock, options });
    for (let turn = 0; turn < 20; turn += 1) {
      await after.keys.refresh();
      expect((await after.keys.current()).kid).toBe(kid);
      clock.advance(5);
    }

    expect(await isVerifiable(after, await before.token())).toBe(true);
    expect(await isVerifiable(before, await after.token())).toBe(true);
    expect(counting.count('resealSigningKey')).toBeLessThan(20);
    counting.faults.clear();
    clock.advance(60);
    await after.keys.refresh();
    const alone = await startKeyKeeper({
      store: before.store,
      clock,
      options: { encryptionKeys: [NEW] },
    });
    expect((await alone.keys.current()).kid).toBe(kid);
  });
});
