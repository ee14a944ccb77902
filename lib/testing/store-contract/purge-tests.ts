import assert from 'node:assert/strict';
import type { BrokerStore } from '../../contract/broker-store.js';
import { includesAll, same } from './comparisons.js';
import { aSession, aState, after, anId, hashOf, lease, MANY, times } from './rows.js';
import type { StoreTest } from './store-test.js';

export function purgeTests(test: StoreTest): void {
  test('ST-5: removes what has expired, in batches, and nothing else', async (store) => {
    const before = new Date('2029-01-01T00:00:00Z'); // older than what other tests write
    await purgeAll(store, before);
    const expired = times(25, () => aSession({ expiresAt: after(-1, before) }));
    const alive = aSession({ expiresAt: before });
    for (const session of [...expired, alive]) await store.createSession(session);
    const id = hashOf(anId());
    await store.addRevocation({
      kind: 'token',
      id,
      at: after(-60, before),
      expiresAt: after(-1, before),
    });

    const removed = await purgeAll(store, before);

    assert.equal(
      removed.reduce((sum, count) => sum + count),
      26,
    );
    assert.ok(Math.max(...removed) <= 20);
    const found = await Promise.all(
      expired.map((one) => store.findSession(one.id, after(-60, before))),
    );
    assert.equal(
      found.every((one) => one === undefined),
      true,
    );
    assert.notEqual(await store.findSession(alive.id, after(-60, before)), undefined);
    const [first] = expired;
    assert.equal(await store.createSession(aSession({ loginHash: first?.loginHash ?? '' })), true);
    const left = await store.listRevocations(after(-3600, before), after(-60, before));
    same(
      left.filter((one) => one.id === id),
      [],
    );
  });

  test('ST-5: takes nothing that is renewed, refreshed or revoked at the same time', async (store) => {
    const before = new Date('2029-01-01T00:00:00Z');
    const over = after(-1, before);
    const [until, now] = [after(60, before), after(-30, before)];
    const subjects = times(MANY, () => {
      const id = hashOf(anId());
      return { kind: 'subject', id, at: after(-60, before), expiresAt: over } as const;
    });
    const ended = times(MANY, () => aSession({ expiresAt: over }));
    const refreshed = times(MANY, () => aSession({ expiresAt: over }));
    const leases = times(MANY, () => ({ ...lease({ now }), until }));
    for (const one of subjects) await store.addRevocation(one);
    for (const one of [...ended, ...refreshed]) await store.createSession(one);
    for (const [at, { id }] of refreshed.entries()) {
      await store.takeLease(id, leases[at] ?? lease());
    }

    const results = await Promise.all([
      store.purgeExpired(before, 10 * MANY),
      ...subjects.map((one) => store.addRevocation({ ...one, at: now, expiresAt: until })),
      ...ended.map(({ id }) => store.revokeSession(id, { at: now, keepUntil: until })),
      ...refreshed.map(({ id }, at) =>
        store.rotateSession(id, leases[at]?.leaseId ?? '', aState({ expiresAt: until })),
      ),
    ]);

    const listed = (await store.listRevocations(now, now)).map(({ id }) => id);
    includesAll(
      listed,
      subjects.map(({ id }) => id),
    );
    const revoked = ended.filter((_, at) => results[1 + MANY + at] === true);
    includesAll(
      listed,
      revoked.map(({ id }) => id),
    );
    for (const [at, { id }] of refreshed.entries()) {
      const found = await store.findSession(id, now);
      assert.equal(found !== undefined, results[1 + 2 * MANY + at]);
    }
  });
}

/** How many each batch of ten removed, of sessions and of revocations. */
async function purgeAll(store: BrokerStore, before: Date): Promise<number[]> {
  const removed = [];
  do removed.push(await store.purgeExpired(before, 10));
  while (removed.at(-1) !== 0);
  return removed;
}
