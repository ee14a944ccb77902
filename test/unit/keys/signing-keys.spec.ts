import { calculateJwkThumbprint, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';

import type { SigningAlgorithm } from '../../../lib/options/broker-options.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { startKeyKeeper } from '../../support/key-keeper.js';

const MEMBERS: Record<SigningAlgorithm, string[]> = {
  RS256: ['alg', 'e', 'kid', 'kty', 'n', 'use'],
  ES256: ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
  EdDSA: ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
};
const algorithms: SigningAlgorithm[] = ['RS256', 'ES256', 'EdDSA'];

describe('the first signing key', () => {
  it('KM-1: is one, however many instances and requests start at once', async () => {
    const store = new MemoryBrokerStore();
    const fleet = await Promise.all(Array.from({ length: 10 }, () => startKeyKeeper({ store })));

    const asked = fleet.flatMap(({ keys }) => [keys.current(), keys.current(), keys.current()]);
    const kids = new Set((await Promise.all(asked)).map(({ kid }) => kid));

    expect(kids.size).toBe(1);
    expect(await store.listSigningKeys()).toHaveLength(1);
    const sets = await Promise.all(fleet.map(({ keys }) => keys.published()));
    expect(new Set(sets.map((set) => JSON.stringify(set))).size).toBe(1);
  });

  it('KM-1: is read once by an instance, however many requests want it', async () => {
    class Counting extends MemoryBrokerStore {
      lists = 0;

      override async listSigningKeys(): ReturnType<MemoryBrokerStore['listSigningKeys']> {
        this.lists += 1;
        return super.listSigningKeys();
      }
    }
    const store = new Counting();
    const { keys } = await startKeyKeeper({ store });

    await Promise.all(Array.from({ length: 50 }, () => keys.current()));
    const atStart = store.lists;
    await Promise.all(Array.from({ length: 50 }, () => keys.published()));

    expect(atStart).toBe(2); // before and after it was made
    expect(store.lists).toBe(atStart);
  });

  it('KM-1: signs at once, also where the clock is behind that of the instance that made it', async () => {
    const first = await startKeyKeeper();
    const { kid } = await first.keys.current();
    const behind = await startKeyKeeper({ store: first.store });
    behind.clock.set(new Date(first.clock.now().getTime() - 60_000));

    expect((await behind.keys.current()).kid).toBe(kid);
    expect(await first.store.listSigningKeys()).toHaveLength(1);
  });

  it('LG-3: is announced, and so is that it signs', async () => {
    const keeper = await startKeyKeeper();
    const events = keeper.record('signing-key');

    const { kid } = await keeper.keys.current();
    await keeper.keys.current();

    expect(events).toEqual([
      { provider: 'default', kid, change: 'created' },
      { provider: 'default', kid, change: 'signs' },
    ]);
  });
});

describe('the keys of an instance', () => {
  it('LG-3: are announced by the instance that made them alone', async () => {
    const store = new MemoryBrokerStore();
    const fleet = await Promise.all([1, 2, 3].map(() => startKeyKeeper({ store })));
    const events = fleet.map((keeper) => keeper.record('signing-key'));
    const kids = await Promise.all(fleet.map(async ({ keys }) => (await keys.current()).kid));

    const created = events.flat().filter(({ change }) => change === 'created');
    expect(created).toEqual([{ provider: 'default', kid: kids[0], change: 'created' }]);
    expect(await fleet[0]?.keys.retire()).toBe(true);
    expect(events[0]).toContainEqual({ provider: 'default', kid: kids[0], change: 'retired' });
    expect(events[1]).not.toContainEqual(expect.objectContaining({ change: 'retired' }));
  });

  it('JV-2: are candidates by their name, and held as long as they are in the set', async () => {
    const { keys } = await startKeyKeeper();
    const { kid } = await keys.current();
    const other = await startKeyKeeper();
    await other.keys.current();
    const [first] = await keys.candidates({ alg: 'ES256', kid });
    if (first === undefined) throw new Error('It is there');

    expect(await keys.candidates({ alg: 'RS256', kid })).toEqual([]);
    expect([keys.holds(first), other.keys.holds(first)]).toEqual([true, false]);
    await keys.retire();
    await keys.current();
    expect(keys.holds(first)).toBe(false);
    expect(await keys.candidates({ alg: 'ES256', kid })).toEqual([]);
  });

  it('JV-10: hold each of several, and none before anything was read', async () => {
    const one = await startKeyKeeper();
    const { kid } = await one.keys.current();
    const [first] = await one.keys.candidates({ alg: 'ES256', kid });
    if (first === undefined) throw new Error('It is there');
    const fresh = await startKeyKeeper({ store: one.store });
    expect(fresh.keys.holds(first)).toBe(false);

    one.clock.advance(90 * 86_400);
    await one.keys.refresh();
    expect((await one.keys.published()).length).toBeGreaterThan(1);
    expect(one.keys.holds(first)).toBe(true);
  });

  it('fault 10: are retired also where the answer of the store was lost', async () => {
    const { keys, store } = await startKeyKeeper();
    const { kid } = await keys.current();
    const retire = store.retireSigningKey.bind(store);
    store.retireSigningKey = async (...call) => {
      store.retireSigningKey = retire;
      await retire(...call);
      throw new Error('the connection was lost');
    };

    expect(await keys.retire(kid)).toBe(true);
    expect((await keys.current()).kid).not.toBe(kid);
    expect(await keys.retire(kid)).toBe(false);
  });

  it('fault 8: are ready when the store was asked once', async () => {
    const { keys, store } = await startKeyKeeper();
    store.listSigningKeys = () => Promise.reject(new Error('down'));

    await expect(keys.ready()).rejects.toMatchObject({ error: 'temporarily_unavailable' });
  });
});

describe('published keys', () => {
  it.each(algorithms)('KM-3: of %s hold the public members and no others', async (algorithm) => {
    const { keys, store } = await startKeyKeeper({ broker: { signingAlgorithm: algorithm } });

    const [key, ...others] = await keys.published();

    expect(others).toEqual([]);
    expect(Object.keys(key ?? {}).toSorted()).toEqual(MEMBERS[algorithm]);
    expect(key).toMatchObject({ use: 'sig', alg: algorithm });
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'ext', 'key_ops']) {
      expect(key).not.toHaveProperty(member);
    }
    expect(JSON.stringify(await store.listSigningKeys())).not.toMatch(/"d"|"crv"|"n"/);
  });

  it.each(algorithms)(
    'KM-4: of %s are strong, and named by their thumbprint',
    async (algorithm) => {
      const { keys } = await startKeyKeeper({ broker: { signingAlgorithm: algorithm } });

      const [key = { kty: '' }] = await keys.published();
      const imported = await importJWK(key, algorithm);

      expect(Reflect.get(key, 'kid')).toBe(await calculateJwkThumbprint(key));
      const { algorithm: details } = Object(imported);
      if (algorithm === 'RS256') expect(details).toMatchObject({ modulusLength: 3072 });
      if (algorithm === 'ES256') expect(details).toMatchObject({ namedCurve: 'P-256' });
      if (algorithm === 'EdDSA') expect(details).toMatchObject({ name: 'Ed25519' });
    },
  );

  it('JV-2: verify with their own algorithm alone', async () => {
    const { keys } = await startKeyKeeper();
    const { kid } = await keys.current();

    expect(await keys.find({ alg: 'ES256', kid })).toMatchObject({ kid });
    for (const alg of ['RS256', 'ES384', 'EdDSA', 'none', 'HS256']) {
      expect(await keys.find({ alg, kid })).toBeUndefined();
    }
  });

  it.each(['__proto__', '../../dev/null', "' OR 1=1", '', undefined])(
    'JV-4: are not found under the name %s',
    async (kid) => {
      const { keys } = await startKeyKeeper();

      expect(await keys.find({ alg: 'ES256', kid })).toBeUndefined();
    },
  );
});

describe('rows that somebody put into the store', () => {
  it('KM-4: verify and publish nothing, not even with the text of a genuine key', async () => {
    const { keys, store, clock } = await startKeyKeeper();
    await keys.current();
    const [genuine] = await store.listSigningKeys();
    if (genuine === undefined) throw new Error('There is no key');
    for (const [sequence, sealed] of [
      [2, genuine.sealed],
      [3, 'planted'],
      [4, ''],
    ] as const) {
      const signsFrom = new Date(clock.now().getTime() + 3600_000);
      await store.insertSigningKey({
        ...genuine,
        sequence,
        sealed,
        kid: `planted-${sequence}`,
        signsFrom,
      });
    }

    await keys.refresh();

    expect((await keys.published()).map(({ kid }) => kid)).toEqual([genuine.kid]);
    expect((await keys.current()).kid).toBe(genuine.kid);
    const planted = keys.find({ alg: 'ES256', kid: 'planted-2' });
    await expect(planted).rejects.toMatchObject({ error: 'temporarily_unavailable' });
  });

  it('KM-4: cannot give a genuine key another name', async () => {
    const { keys, store } = await startKeyKeeper();
    const { kid } = await keys.current();
    const [genuine] = await store.listSigningKeys();
    if (genuine === undefined) throw new Error('There is no key');
    await store.deleteSigningKey(1);
    await store.insertSigningKey({ ...genuine, kid: 'another-name' });

    await keys.refresh();

    expect((await keys.published()).map((one) => one.kid)).toEqual([kid]);
    expect(await keys.find({ alg: 'ES256', kid: 'another-name' })).toBeUndefined();
  });
});
