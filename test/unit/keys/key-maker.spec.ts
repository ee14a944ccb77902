import { describe, expect, it } from 'vitest';

import { KeyMaker } from '../../../lib/keys/key-maker.js';
import type { KeyWish } from '../../../lib/keys/signing-key.js';
import { BEGAN, keyRow, present, startKeyStore } from '../../support/key-rows.js';

describe('the maker of keys', () => {
  const wish = { sequence: 1, algorithm: 'ES256', tokenLifetimeSec: 3600 } as const;
  const at = BEGAN;
  const times = { createdAt: at, signsFrom: at };

  it('KM-1: writes what it made, also when the answer was lost, and makes another one next', async () => {
    const { store, access } = await startKeyStore();
    const maker = new KeyMaker(access, present);

    const kid = await maker.make(wish, times);
    expect(await store.listSigningKeys()).toMatchObject([
      { kid, sequence: 1, retiredAt: undefined },
    ]);
    await store.deleteSigningKey(1);
    expect(await maker.make(wish, times)).not.toBe(kid);
  });

  it('KM-1: is told when another instance was faster', async () => {
    const { store, access } = await startKeyStore();
    await store.insertSigningKey(await keyRow(1));

    expect(await new KeyMaker(access, present).make(wish, times)).toBeUndefined();
  });

  it.each<[what: string, next: Partial<KeyWish>, same: boolean]>([
    ['the same', {}, true],
    ['another number', { sequence: 2 }, false],
    ['another algorithm', { algorithm: 'EdDSA' }, false],
    ['another lifetime', { tokenLifetimeSec: 7200 }, false],
  ])('KM-1: keeps a key that was not written for a wish that is %s', async (_what, next, same) => {
    const { store, access } = await startKeyStore();
    const maker = new KeyMaker(access, present);
    const tried: string[] = [];
    const insert = store.insertSigningKey.bind(store);
    store.insertSigningKey = async (key) => {
      tried.push(key.kid);
      throw new Error('read-only');
    };
    await expect(maker.make(wish, times)).rejects.toThrow();
    store.insertSigningKey = insert;

    const kid = await maker.make({ ...wish, ...next }, times);
    expect(tried).toEqual([tried[0], tried[0]]);
    expect(kid === tried[0]).toBe(same);
  });

  it('KM-2: forgets what was not written in an emergency', async () => {
    const { store, access } = await startKeyStore();
    const maker = new KeyMaker(access, present);
    const insert = store.insertSigningKey.bind(store);
    const tried: string[] = [];
    store.insertSigningKey = (key) => {
      tried.push(key.kid);
      return insert(key);
    };
    await insert(await keyRow(1));
    await maker.make(wish, times); // not ours, and so kept
    await maker.make(wish, times);
    maker.forget();
    await maker.make(wish, times);

    expect(tried).toEqual([tried[0], tried[0], expect.not.stringContaining(tried[0] ?? '')]);
  });
});
