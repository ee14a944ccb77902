import { describe, expect, it } from 'vitest';

import { OpenedKeys } from '../../../lib/keys/opened-keys.js';
import {
  former,
  keyRow,
  loseAnswer,
  onlyNew,
  present,
  startKeyStore,
} from '../../support/key-rows.js';

describe('keys that were opened', () => {
  it('JV-10: keep their identity while their row is there, and are forgotten with it', async () => {
    const keys = new OpenedKeys(present);
    const [one, two] = [await keyRow(1), await keyRow(2)];
    const [first, second] = await keys.open([one, two]);

    expect(await keys.open([two, one])).toEqual([second, first]);
    expect((await keys.open([two]))[0]).toBe(second);
    expect([keys.of(one), keys.of(two)]).toEqual([undefined, second]);
    expect((await keys.open([one]))[0]).not.toBe(first);
  });

  it('fault 20: keep their identity when their row was encrypted anew elsewhere', async () => {
    const keys = new OpenedKeys(present);
    const stored = await keyRow(1, former);
    const { text } = (await former.open(stored.sealed, 'signing-key/1/private')) ?? { text: '' };
    const again = { ...stored, sealed: await present.seal(text, 'signing-key/1/private') };
    const [key] = await keys.open([stored]);

    expect((await keys.open([again]))[0]).toBe(key);
    expect(keys.of(again)).toBe(key);
  });

  it('fault 20: stay when another instance encrypted them with a key that is not known here', async () => {
    const keys = new OpenedKeys(former);
    const [one, two] = [await keyRow(1, former), await keyRow(2, former)];
    const sealed = await onlyNew.seal('{}', 'signing-key/1/private');
    const [key] = await keys.open([one, two]);

    expect((await keys.open([{ ...one, sealed }, two]))[0]).toBe(key);
    expect(keys.of({ ...one, sealed })).toBe(key);
    expect(await keys.open([{ ...one, sealed, sequence: 3 }])).toEqual([]);
    expect(await new OpenedKeys(former).open([{ ...one, sealed }])).toEqual([]);
  });

  it('fault 20: are not taken for others of another name in that row', async () => {
    const keys = new OpenedKeys(former);
    const one = await keyRow(1, former);
    await keys.open([one]);

    expect(await keys.open([{ ...one, sealed: 'x', kid: 'another' }])).toEqual([]);
  });

  it('fault 20: are encrypted anew once, and known by their new text', async () => {
    const { store, access } = await startKeyStore();
    const stored = await keyRow(1, former);
    await store.insertSigningKey(stored);
    const keys = new OpenedKeys(present);
    const [key] = await keys.open([stored]);
    loseAnswer(store, 'resealSigningKey');

    await keys.reseal(access);
    const [written] = await store.listSigningKeys();
    if (written === undefined) throw new Error('It was there');
    expect(written.sealed).not.toBe(stored.sealed);
    expect((await present.open(written.sealed, 'signing-key/1/private'))?.current).toBe(true);
    await store.resealSigningKey(1, { expected: written.sealed, next: stored.sealed });
    await keys.reseal(access); // nothing is left to do
    expect((await store.listSigningKeys())[0]?.sealed).toBe(stored.sealed);
    expect((await keys.open([written]))[0]).toBe(key);
  });

  it('fault 20: are known by their new text at once', async () => {
    const { store, access } = await startKeyStore();
    const stored = await keyRow(1, former);
    await store.insertSigningKey(stored);
    const keys = new OpenedKeys(present);
    const [key] = await keys.open([stored]);
    await keys.reseal(access);
    const [written] = await store.listSigningKeys();

    expect(written?.sealed).not.toBe(stored.sealed);
    expect(keys.of({ ...stored, sealed: written?.sealed ?? '' })).toBe(key);
  });

  it('fault 20: are not encrypted anew when their row is gone, or was changed meanwhile', async () => {
    const { store, access } = await startKeyStore();
    const [one, two] = [await keyRow(1, former), await keyRow(2, former)];
    const keys = new OpenedKeys(present);
    await keys.open([one, two]);
    await keys.open([two]);
    await store.insertSigningKey(one);
    await store.insertSigningKey({ ...two, sealed: 'changed' });

    await keys.reseal(access);
    expect((await store.listSigningKeys()).map(({ sealed }) => sealed)).toEqual([
      one.sealed,
      'changed',
    ]);
    expect(keys.of({ ...two, sealed: 'changed' })).toBeUndefined();
  });
});
