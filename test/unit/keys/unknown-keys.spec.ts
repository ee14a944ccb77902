import { randomBytes } from 'node:crypto';

import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { countingStore } from '../../support/counting-store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startKeyKeeper, type KeyKeeper } from '../../support/key-keeper.js';

const SECOND_LOOK = 'temporarily_unavailable';

/** A key id of the form that ours have, which anybody can make up. */
const madeUp = (): string => randomBytes(32).toString('base64url');

/** What the guard would make of a key id: `found`, `none` (401) or the code of the refusal. */
async function outcome({ keys }: KeyKeeper, kid: string | undefined): Promise<string> {
  return keys.find({ alg: 'ES256', kid }).then(
    (key) => (key === undefined ? 'none' : 'found'),
    (error: unknown) => String(Reflect.get(Object(error), 'error')),
  );
}

const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';

/** Two instances with one store; what the second one asks is counted. */
async function startTwo() {
  const shared = new MemoryBrokerStore();
  const counting = countingStore(shared);
  const clock = new FakeClock();
  const here = await startKeyKeeper({ store: shared, clock });
  const there = await startKeyKeeper({ store: counting.store, clock });
  await here.keys.current();
  await there.keys.current();
  counting.calls.length = 0;
  return { here, there, counting, shared };
}

describe('a token of a signing key that another instance has just made', () => {
  it('KM-2: is taken at once after an emergency, at the cost of one look', async () => {
    const { here, there, counting } = await startTwo();
    await here.keys.retire();
    const kid = kidOf(await here.token());

    const asked = await Promise.all(Array.from({ length: 20 }, () => outcome(there, kid)));

    expect(new Set(asked)).toEqual(new Set(['found']));
    expect(counting.calls).toEqual(['listSigningKeys']);
  });

  it('KM-2: is taken although a look that began before it was made is under way', async () => {
    const { here, there, shared } = await startTwo();
    const listSigningKeys = shared.listSigningKeys.bind(shared);
    let letGo: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    shared.listSigningKeys = async () => {
      const keys = await listSigningKeys();
      await held;
      return keys;
    };
    const looking = there.keys.look();
    shared.listSigningKeys = listSigningKeys;
    await here.keys.retire();

    const asked = outcome(there, kidOf(await here.token()));
    letGo?.();
    await looking;

    expect(await asked).toBe('found');
  });

  it('KM-2: makes 503, not 401, while the store cannot be asked', async () => {
    const { here, there, counting } = await startTwo();
    await here.keys.retire();
    const kid = kidOf(await here.token());
    counting.down = true;

    expect(await outcome(there, kid)).toBe(SECOND_LOOK);
    counting.down = false;

    expect(await outcome(there, kid)).toBe('found');
  });

  it('KM-2: makes 503 until the next regular look when too many ids were made up', async () => {
    const { here, there } = await startTwo();
    for (let at = 0; at < 10; at += 1) await outcome(there, madeUp());
    await here.keys.retire();
    const kid = kidOf(await here.token());

    expect(await outcome(there, kid)).toBe(SECOND_LOOK);
    await there.keys.look();

    expect(await outcome(there, kid)).toBe('found');
  });
});

describe('key ids that somebody made up', () => {
  it('JW-1: cost three looks at the store between two regular ones, and known keys never wait', async () => {
    const { here, there, counting } = await startTwo();
    const known = (await here.keys.current()).kid;

    const flood = Array.from({ length: 1000 }, () => outcome(there, madeUp()));
    expect(await outcome(there, known)).toBe('found');
    const outcomes = await Promise.all(flood);
    for (let at = 0; at < 100; at += 1) outcomes.push(await outcome(there, madeUp()));

    expect(new Set(outcomes)).toEqual(new Set(['none', SECOND_LOOK]));
    expect(counting.calls).toEqual(Array.from({ length: 3 }, () => 'listSigningKeys'));
    expect(await outcome(there, known)).toBe('found');

    await there.keys.look();
    for (let at = 0; at < 100; at += 1) await outcome(there, madeUp());
    expect(counting.calls).toHaveLength(3 + 1 + 3);
  });

  it('JW-1: cost nothing when they come again, or cannot be ours', async () => {
    const { there, counting } = await startTwo();
    const kid = madeUp();
    expect(await outcome(there, kid)).toBe('none');
    counting.calls.length = 0;

    for (const one of [kid, kid, `${kid}A`, kid.slice(1), `${kid.slice(1)}=`, '', undefined]) {
      expect(await outcome(there, one)).toBe('none');
    }

    expect(counting.calls).toEqual([]);
  });

  it('KM-2: are told from the key that was retired, which costs no look', async () => {
    const { here, there, counting } = await startTwo();
    const kid = kidOf(await here.token());
    await here.keys.retire();
    await there.keys.look();
    counting.calls.length = 0;

    expect(await outcome(there, kid)).toBe('none');
    expect(counting.calls).toEqual([]);
  });

  it('DS-2: are forgotten after a thousand, and one that is a key by then is found', async () => {
    const { there, counting, shared } = await startTwo();
    const kid = madeUp();
    await outcome(there, kid);
    for (let at = 0; at < 1000; at += 1) {
      await there.keys.look();
      await outcome(there, madeUp());
    }
    await there.keys.look();
    counting.calls.length = 0;

    expect(await outcome(there, kid)).toBe('none');

    expect(counting.calls).toEqual(['listSigningKeys']);
    expect(await shared.listSigningKeys()).toHaveLength(1);
  });
});
