import { describe, expect, it } from 'vitest';

import type { StoredSigningKey } from '../../../lib/contract/broker-store.js';
import { isIn, longestLifetimeSec, select } from '../../../lib/keys/key-state.js';
import { StoredKeys } from '../../../lib/keys/stored-keys.js';
import {
  BEGAN,
  former,
  keyRow,
  loseAnswer,
  onlyNew,
  present,
  startKeyStore,
} from '../../support/key-rows.js';

/** The longest lifetime that any token of ours may have. */
const LONGEST_SEC = 30 * 86_400;

describe('keys as they were read', () => {
  it('KM-5: those that cannot be opened are locked, and told', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const told: unknown[] = [];
    events.on('undecryptable', (event) => void told.push(event));
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: former });
    const [one, two] = [await keyRow(1, former), await keyRow(2, onlyNew)];
    await store.insertSigningKey(one);
    const open = await rows.read();
    expect([open.keys.length, open.locked.size, told.length]).toEqual([1, 0, 0]);

    await store.insertSigningKey(two);
    const state = await rows.read();
    expect(state.locked).toEqual(new Set([two.kid]));
    expect(told).toEqual([{ provider: 'default', what: 'signing-key' }]);
    expect(() => select(state, { alg: 'ES256', kid: two.kid })).toThrow('cannot be read');
    expect(select(state, { alg: 'ES256', kid: undefined })).toBeUndefined();
    expect(select(state, { alg: 'RS256', kid: one.kid })).toBeUndefined();
    expect(select(state, { alg: 'ES256', kid: one.kid })).toMatchObject({ tokenLifetimeSec: 3600 });
    expect([isIn(state, one.kid), isIn(state, two.kid), isIn(state, 'x')]).toEqual([
      true,
      true,
      false,
    ]);
    expect([longestLifetimeSec(open), longestLifetimeSec(state)]).toEqual([3600, LONGEST_SEC]);
    expect(longestLifetimeSec({ keys: [], stored: [], locked: new Set() })).toBe(0);
  });

  it('KM-4: are known by the names that they have, whatever their rows say', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: present });
    const [one, two] = [await keyRow(1), await keyRow(2)];
    await store.insertSigningKey({ ...one, kid: 'planted' });
    await store.insertSigningKey(two);
    const state = await rows.read();

    expect([one.kid, two.kid, 'planted'].map((kid) => isIn(state, kid))).toEqual([
      true,
      true,
      true,
    ]);
    expect(select(state, { alg: 'ES256', kid: one.kid })).toBeDefined();
    expect(select(state, { alg: 'ES256', kid: 'planted' })).toBeUndefined();
  });

  it('KM-5: are not locked when nobody needs them any more', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const told: unknown[] = [];
    events.on('undecryptable', (event) => void told.push(event));
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: former });
    await store.insertSigningKey({ ...(await keyRow(1, onlyNew)), signsFrom: new Date(0) });
    await store.insertSigningKey(await keyRow(2, former));
    expect((await rows.read()).locked.size).toBe(1);

    clock.advance(LONGEST_SEC + 66);
    expect((await rows.read()).locked.size).toBe(0);
    expect(told).toHaveLength(1);
  });

  it('KM-2: are read afresh after a reading that began before, however long that takes', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: present });
    const list = store.listSigningKeys.bind(store);
    const gate: { open?: () => void } = {};
    const opened = new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    store.listSigningKeys = async () => {
      store.listSigningKeys = list;
      await opened;
      return [];
    };
    const before = rows.read();
    await store.insertSigningKey(await keyRow(1));
    const afresh = rows.readAfresh();
    expect(rows.readingIsDue).toBe(true);
    gate.open?.();

    expect((await before).keys).toEqual([]);
    expect((await afresh).keys).toHaveLength(1);
    expect(rows.readingIsDue).toBe(false);
  });

  it('fault 12: that do not say how long their tokens live count as the longest, and set no limit', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: present });
    const stored = await keyRow(1);
    const text = (await present.open(stored.sealed, 'signing-key/1/private'))?.text ?? '';
    const old = text.replace(/,"tokenLifetimeSec":3600/, '');
    await store.insertSigningKey({
      ...stored,
      sealed: await present.seal(old, 'signing-key/1/private'),
    });
    const state = await rows.read();

    expect(select(state, { alg: 'ES256', kid: stored.kid })).not.toHaveProperty('tokenLifetimeSec');
    expect(longestLifetimeSec(state)).toBe(LONGEST_SEC);
  });

  it('fault 10: are read also where a connection was lost, in the order of their numbers', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: present });
    const all = await Promise.all([3, 1, 2].map((sequence) => keyRow(sequence)));
    store.listSigningKeys = async () => all;
    loseAnswer(store, 'listSigningKeys');

    const { keys, stored } = await rows.read();
    expect(keys.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(stored.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('KM-2: what was retired here is so, before and after any reading', async () => {
    const { options, broker, clock, events, access, store } = await startKeyStore();
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: present });
    const [one, two] = [await keyRow(1), await keyRow(2)];
    await rows.retired(one.kid); // nothing was read yet
    await store.insertSigningKey(one);
    await store.insertSigningKey(two);

    const kids = () => rows.state?.keys.map(({ kid }) => kid);
    await rows.read();
    expect(kids()).toEqual([two.kid]);
    await rows.retired(two.kid);
    expect(kids()).toEqual([]);
    await rows.read();
    expect(kids()).toEqual([]);
    expect(rows.state?.stored.map(({ retiredAt }) => retiredAt)).toEqual([
      clock.now(),
      clock.now(),
    ]);
  });

  it('KM-2: are over after the last token that they signed, with tolerance and a minute', async () => {
    const { options, broker, clock, events, access } = await startKeyStore();
    const rows = new StoredKeys({ options, broker, clock, store: access, events, sealer: former });
    const one = await keyRow(1, former, { tokenLifetimeSec: 7200 });
    const two = { ...(await keyRow(2, former)), signsFrom: clock.now() };
    const locked = {
      ...(await keyRow(0, onlyNew)),
      signsFrom: new Date(0),
    };
    await rows.opened.open([one, two]);
    const overAfter = (seconds: number, stored: StoredSigningKey[]): number[] => {
      clock.set(new Date(BEGAN.getTime() + seconds * 1000));
      return rows.over(stored).map(({ sequence }) => sequence);
    };

    expect(overAfter(7265, [one, two])).toEqual([]);
    expect(overAfter(7265.001, [one, two])).toEqual([1]);
    expect(overAfter(LONGEST_SEC + 65, [locked, two])).toEqual([]);
    expect(overAfter(LONGEST_SEC + 65.001, [locked, two])).toEqual([0]);
    const retired = { ...locked, retiredAt: BEGAN };
    expect(overAfter(3665, [retired, two])).toEqual([]);
    expect(overAfter(3665.001, [retired, two])).toEqual([0]);
  });
});
