import assert from 'node:assert/strict';
import { BrokerStore, type SessionUse } from '../../contract/broker-store.js';
import { same } from './comparisons.js';
import { MANY, NOW, aSession, aState, after, anId, hashOf, lease, times } from './rows.js';
import type { StoreTest } from './store-test.js';

const use = (members: Partial<SessionUse> & Pick<SessionUse, 'cookieHash'>): SessionUse => ({
  usedAt: after(300),
  expiresAt: after(3900),
  now: after(300),
  ...members,
});

/** Sentences about what a store needs for the option `session`; one that does not override `touchSession` is not held to them. */
export function browserSessionTests(declare: StoreTest): void {
  const test: StoreTest = (title, run) =>
    declare(title, async (store) => {
      if (store.touchSession !== BrokerStore.prototype.touchSession) await run(store);
    });

  test('BS-8: keep the hash of their cookie through a use, a lease and a refresh', async (store) => {
    const cookieHash = hashOf(anId());
    const session = aSession({ cookieHash, refreshHash: undefined });
    await store.createSession(session);
    const request = lease();
    const state = aState({ generation: 1, refreshHash: undefined, replaced: [] });

    same(await store.findSession(session.id, NOW), session);
    assert.equal(await store.takeLease(session.id, request), true);
    assert.equal(await store.touchSession(session.id, use({ cookieHash })), true);
    assert.equal((await store.findSession(session.id, NOW))?.leaseId, request.leaseId);
    assert.equal(await store.rotateSession(session.id, request.leaseId, state), true);

    same(await store.findSession(session.id, NOW), { ...session, ...state });
  });

  test('move their idle limit with their use, and never back', async (store) => {
    const cookieHash = hashOf(anId());
    const session = aSession({ cookieHash });
    await store.createSession(session);
    const { id } = session;

    assert.equal(await store.touchSession(id, use({ cookieHash })), true);
    const earlier = { usedAt: after(299), expiresAt: after(3899) };
    assert.equal(await store.touchSession(id, use({ cookieHash, ...earlier })), false);

    const moved = { ...session, usedAt: after(300), expiresAt: after(3900) };
    same(await store.findSession(id, after(3899.999)), moved);
    assert.equal(await store.findSession(id, after(3900)), undefined);
  });

  test('let one of 50 simultaneous uses of a moment write it', async (store) => {
    const cookieHash = hashOf(anId());
    const { id } = aSession();
    await store.createSession(aSession({ id, cookieHash }));

    const written = await Promise.all(
      times(MANY, () => store.touchSession(id, use({ cookieHash }))),
    );

    assert.equal(written.filter(Boolean).length, 1);
  });

  test('BS-4: are not brought back by a use when they have ended or expired', async (store) => {
    const cookieHash = hashOf(anId());
    const revoked = aSession({ cookieHash });
    const expired = aSession({ cookieHash });
    for (const one of [revoked, expired]) await store.createSession(one);
    await store.revokeSession(revoked.id, { at: NOW, keepUntil: after(60) });

    assert.equal(await store.touchSession(revoked.id, use({ cookieHash })), false);
    const late = { now: after(3600), usedAt: after(3600), expiresAt: after(7200) };
    assert.equal(await store.touchSession(expired.id, use({ cookieHash, ...late })), false);

    assert.equal(await store.findSession(revoked.id, NOW), undefined);
    assert.equal(await store.findSession(expired.id, after(3600)), undefined);
  });

  test('are used with their own cookie alone', async (store) => {
    const [session, plain] = [aSession({ cookieHash: hashOf(anId()) }), aSession()];
    for (const one of [session, plain]) await store.createSession(one);
    const other = use({ cookieHash: hashOf(anId()) });

    assert.equal(await store.touchSession(session.id, other), false);
    assert.equal(await store.touchSession(plain.id, other), false);
    assert.equal(await store.touchSession(anId(), other), false);
  });
}
