import assert from 'node:assert/strict';
import { same } from './comparisons.js';
import { revocationsOf } from './revocations-of.js';
import { NOW, aSession, aState, after, anId, lease, times } from './rows.js';
import type { StoreTest } from './store-test.js';

export function endedSessionTests(test: StoreTest): void {
  test('LO-2: is gone for everybody, with its secrets, and its lease is worth nothing', async (store) => {
    const session = aSession();
    const { id, subjectHash } = session;
    await store.createSession(session);
    const leaseId = anId();
    await store.takeLease(id, { leaseId, until: after(15), now: NOW, generation: 1 });

    const revoked = await store.revokeSession(id, { at: after(1), keepUntil: after(4200) });

    assert.equal(revoked, true);
    assert.equal(await store.findSession(id, NOW), undefined);
    same(await store.listSessions({ subjectHash }, NOW), []);
    assert.equal(await store.rotateSession(id, leaseId, aState()), false);
    const again = { leaseId: anId(), until: after(60), now: after(30), generation: 1 };
    assert.equal(await store.takeLease(id, again), false);
    assert.equal(await store.createSession(aSession({ loginHash: session.loginHash })), false);
  });

  test('is revoked once, however many try', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));

    const revoked = await Promise.all(
      times(20, () => store.revokeSession(id, { at: NOW, keepUntil: after(60) })),
    );

    assert.equal(revoked.filter(Boolean).length, 1);
    assert.equal(await store.revokeSession(anId(), { at: NOW, keepUntil: after(60) }), false);
  });

  test('LO-2: says so again to whoever repeats the same end, and to nobody else', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    await store.takeLease(id, lease());
    const [first, other] = [anId(), anId()];
    const end = (endingId: string | undefined) =>
      store.revokeSession(id, { at: after(1), keepUntil: after(60), endingId });

    const all = await Promise.all([end(first), end(first), end(first)]);

    same(all, [true, true, true]);
    assert.equal(await end(other), false);
    assert.equal(await end(undefined), false);
    assert.equal(await end('x'), false);
    assert.equal(await end(first), true);
    assert.equal(await store.findSession(id, NOW), undefined);
    assert.equal((await revocationsOf(store, id)).length, 1);
  });

  test('RF-4: by whoever held its lease says so again, and not to a later lease of that name', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    const { leaseId, ...request } = lease();
    await store.takeLease(id, { leaseId, ...request });
    const end = (endingId: string) =>
      store.revokeSession(id, { at: after(1), keepUntil: after(60), leaseId, endingId });

    assert.equal(await end('0'.repeat(32)), true);
    assert.equal(await end('0'.repeat(32)), true);
    assert.equal(await end(leaseId), false);
    assert.equal(await store.rotateSession(id, '0'.repeat(32), aState()), false);
  });

  test('RF-4: by whoever holds its lease, and not by whoever held it before', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    const [frozen, other] = [lease(), lease({ now: after(20) })];
    const end = (leaseId: string | undefined) =>
      store.revokeSession(id, { at: after(21), keepUntil: after(60), leaseId });
    await store.takeLease(id, frozen);
    await store.takeLease(id, other);

    assert.equal(await end(frozen.leaseId), false);
    assert.equal(await end('x'), false);
    assert.notEqual(await store.findSession(id, NOW), undefined);
    assert.equal(await end(other.leaseId), true);
    assert.equal(await store.findSession(id, NOW), undefined);
  });

  test('LO-2: by whoever holds no lease, also while somebody else does', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    await store.takeLease(id, lease());

    const ended = await store.revokeSession(id, {
      at: NOW,
      keepUntil: after(60),
      leaseId: undefined,
    });

    assert.equal(ended, true);
  });

  test('RF-4: is not ended with a lease that was given back', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    const request = lease();
    await store.takeLease(id, request);
    await store.releaseLease(id, request.leaseId);

    const ended = await store.revokeSession(id, {
      at: NOW,
      keepUntil: after(60),
      leaseId: request.leaseId,
    });

    assert.equal(ended, false);
  });

  test('is listed among the revocations as long as it must be', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    await store.revokeSession(id, { at: after(1), keepUntil: after(4200) });
    const expected = { kind: 'session', id, at: after(1), expiresAt: after(4200) };
    same(await revocationsOf(store, id, NOW, after(2)), [expected]);
    same(await revocationsOf(store, id, after(1), after(4199.999)), [expected]);
    same(await revocationsOf(store, id, after(1.001), after(2)), []);
    same(await revocationsOf(store, id, NOW, after(4200)), []);
  });
}
