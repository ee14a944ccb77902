import assert from 'node:assert/strict';
import { includesAll, same } from './comparisons.js';
import { revocationsOf } from './revocations-of.js';
import { NOW, after, anId, hashOf, MANY, times, idsOf } from './rows.js';
import type { StoreTest } from './store-test.js';

export function revocationTests(test: StoreTest): void {
  test('are kept by kind and id, and end by themselves', async (store) => {
    const id = hashOf(anId());
    const token = { kind: 'token', id, at: NOW, expiresAt: after(60) } as const;
    const subject = { ...token, kind: 'subject', expiresAt: after(120) } as const;
    await store.addRevocation(token);
    await store.addRevocation(subject);

    const both = await revocationsOf(store, id);
    assert.equal(both.length, 2);
    includesAll(both, [token, subject]);
    same(await revocationsOf(store, id, NOW, after(60)), [subject]);
    same(await revocationsOf(store, id, after(1)), []);
  });

  test('are renewed by a later one of the same name, and not by an earlier one', async (store) => {
    const id = hashOf(anId());
    const first = { kind: 'subject', id, at: NOW, expiresAt: after(60) } as const;
    const later = { ...first, at: after(10), expiresAt: after(70) };
    await store.addRevocation(first);
    await store.addRevocation(later);
    await store.addRevocation(first);

    same(await revocationsOf(store, id), [later]);
  });

  test('never end sooner because they were renewed', async (store) => {
    const id = hashOf(anId());
    const first = { kind: 'subject', id, at: NOW, expiresAt: after(3600) } as const;
    const later = { ...first, at: after(10), expiresAt: after(300) };
    await store.addRevocation(first);
    await store.addRevocation(later);

    same(await revocationsOf(store, id), [{ ...later, expiresAt: first.expiresAt }]);
  });

  test('are all listed, or the latest of them up to a limit', async (store) => {
    const began = after(86_400 * 30); // later than what other tests write
    const tokens = times(2100, (at) => ({
      kind: 'token' as const,
      id: hashOf(anId()),
      at: after(Math.floor(at / 3), began), // some at the same time
      expiresAt: after(86_400, began),
    }));
    for (let at = 0; at < tokens.length; at += 100) {
      await Promise.all(tokens.slice(at, at + 100).map((one) => store.addRevocation(one)));
    }

    const all = await store.listRevocations(began, began);
    const few = await store.listRevocations(began, began, 40);

    const own = new Set(tokens.map(({ id }) => id));
    same(idsOf(all.filter(({ id }) => own.has(id))), idsOf(tokens));
    assert.equal(few.length, 40);
    const oldest = Math.min(...few.map(({ at }) => at.getTime()));
    const newer = tokens.filter(({ at }) => at.getTime() > oldest);
    includesAll(idsOf(few), idsOf(newer));
  });

  test('ST-3: may be written by many at once', async (store) => {
    const id = hashOf(anId());
    const revocations = times(MANY, (at) => ({
      kind: 'subject' as const,
      id,
      at: after(at),
      expiresAt: after(at + 60),
    }));

    await Promise.all(revocations.map((one) => store.addRevocation(one)));

    same(await revocationsOf(store, id, NOW, after(60)), [revocations.at(-1)]);
  });
}
