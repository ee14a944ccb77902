import assert from 'node:assert/strict';
import type { BrokerStore, StoredPeerKeys } from '../../contract/broker-store.js';
import { includesAll, same } from './comparisons.js';
import { NOW, aSigningKey, after, anId, hashOf, MANY, times, keysOf } from './rows.js';
import type { StoreTest } from './store-test.js';

export function signingKeyTests(test: StoreTest): void {
  const onNone: StoreTest = (title, run) =>
    test(title, async (store) => {
      for (const { sequence } of await store.listSigningKeys())
        await store.deleteSigningKey(sequence);
      await run(store);
    });

  onNone('KM-1: of 50 first keys one is kept', async (store) => {
    const keys = times(MANY, () => aSigningKey());

    const inserted = await Promise.all(keys.map((one) => store.insertSigningKey(one)));

    assert.equal(inserted.filter(Boolean).length, 1);
    same(await store.listSigningKeys(), [keys[inserted.indexOf(true)]]);
  });

  onNone('KM-1: are not replaced by a later one of their number', async (store) => {
    const key = aSigningKey();
    await store.insertSigningKey(key);

    assert.equal(await store.insertSigningKey(aSigningKey()), false);
    same(await store.listSigningKeys(), [key]);
  });

  onNone('come back as they were written, by their number', async (store) => {
    const keys = [2, 1, 10].map((sequence) => aSigningKey({ sequence }));
    for (const key of keys) await store.insertSigningKey(key);

    const listed = await store.listSigningKeys();

    same(listed, [keys[1], keys[0], keys[2]]);
  });

  onNone('KM-2: are retired once', async (store) => {
    await store.insertSigningKey(aSigningKey());

    const retired = await Promise.all(times(10, () => store.retireSigningKey(1, NOW)));

    assert.equal(retired.filter(Boolean).length, 1);
    same((await store.listSigningKeys())[0]?.retiredAt, NOW);
    assert.equal(await store.retireSigningKey(2, NOW), false);
  });

  onNone('KM-5: are encrypted anew by whoever read them last', async (store) => {
    const key = aSigningKey();
    await store.insertSigningKey(key);
    const reseal = (next: string) => store.resealSigningKey(1, { expected: key.sealed, next });

    const resealed = await Promise.all(['a', 'b', 'c'].map(reseal));

    assert.equal(resealed.filter(Boolean).length, 1);
    const [stored] = await store.listSigningKeys();
    assert.equal(stored?.sealed, ['a', 'b', 'c'][resealed.indexOf(true)]);
  });

  onNone('KM-5: are not encrypted anew by whoever read an older text', async (store) => {
    const key = aSigningKey();
    await store.insertSigningKey(key);
    const reseal = (expected: string, next: string) =>
      store.resealSigningKey(1, { expected, next });

    assert.equal(await reseal(key.sealed, 'a'), true);
    assert.equal(await reseal(key.sealed, 'b'), false);
    assert.equal(await store.resealSigningKey(2, { expected: 'a', next: 'b' }), false);
    same(await store.listSigningKeys(), [{ ...key, sealed: 'a' }]);
  });

  onNone('are gone when they are deleted', async (store) => {
    await store.insertSigningKey(aSigningKey());
    await store.deleteSigningKey(1);
    await store.deleteSigningKey(1);

    same(await store.listSigningKeys(), []);
  });
}

export function peerKeyTests(test: StoreTest): void {
  test('A-40: are written again and again, and by many at once', async (store) => {
    const issuer = `https://${anId()}.example.org/Path`;
    await store.savePeerKeys(keysOf(issuer, '{"keys":[]}'));
    await Promise.all(times(20, (at) => store.savePeerKeys(keysOf(issuer, `{"keys":[${at}]}`))));
    const last = keysOf(issuer, 'x'.repeat(60_000), after(5));
    await store.savePeerKeys(last);

    same(await peerKeysOf(store, issuer), [last]);
  });

  test('FD-2: are gone when they are deleted, and only those', async (store) => {
    const [one = '', other = ''] = times(2, () => `https://${anId()}.example.org`);
    await store.savePeerKeys(keysOf(one, '{}'));
    await store.savePeerKeys(keysOf(other, '{}'));

    await store.deletePeerKeys(hashOf(one));

    same(await peerKeysOf(store, one), []);
    assert.equal((await peerKeysOf(store, other)).length, 1);
  });
}

export function keyDeletionTests(test: StoreTest): void {
  test('ST-5: takes no signing key that got the number of an older one meanwhile', async (store) => {
    const [old, next] = [aSigningKey({ sequence: 7 }), aSigningKey({ sequence: 7 })];
    await store.insertSigningKey(old);
    await store.deleteSigningKey(7, old.kid);
    await store.insertSigningKey(next);

    await store.deleteSigningKey(7, old.kid);

    includesAll(await store.listSigningKeys(), [next]);
    await store.deleteSigningKey(7, next.kid);
    assert.ok(!(await store.listSigningKeys()).some(({ kid }) => kid === next.kid));
  });

  test('ST-5: takes no key set that was written anew meanwhile', async (store) => {
    const issuer = `https://${anId()}.example.org`;
    await store.savePeerKeys(keysOf(issuer, '{}', NOW));
    await store.savePeerKeys(keysOf(issuer, '{}', after(1)));

    await store.deletePeerKeys(hashOf(issuer), NOW);
    assert.equal((await peerKeysOf(store, issuer)).length, 1);
    await store.deletePeerKeys(hashOf(issuer), after(1));
    same(await peerKeysOf(store, issuer), []);
  });
}

async function peerKeysOf(store: BrokerStore, issuer: string): Promise<StoredPeerKeys[]> {
  return (await store.listPeerKeys()).filter((one) => one.issuer === issuer);
}
