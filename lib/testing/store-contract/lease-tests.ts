import assert from 'node:assert/strict';
import { same } from './comparisons.js';
import { NOW, aSession, aState, after, anId, lease, MANY, times } from './rows.js';
import type { StoreTest } from './store-test.js';

export function leaseTests(test: StoreTest): void {
  test('RF-4: goes to one of 50 who want it at once', async (store) => {
    const session = aSession();
    await store.createSession(session);
    const requests = times(MANY, () => lease());

    const taken = await Promise.all(requests.map((one) => store.takeLease(session.id, one)));

    assert.equal(taken.filter(Boolean).length, 1);
    const winner = requests[taken.indexOf(true)];
    same(await store.findSession(session.id, NOW), {
      ...session,
      leaseId: winner?.leaseId,
      leaseUntil: winner?.until,
    });
  });

  test('RF-4: is free again when it has run out, to the millisecond', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id }));
    const [first, tooSoon, second] = [
      lease(),
      lease({ now: after(14.999) }),
      lease({ now: after(15) }),
    ];

    assert.equal(await store.takeLease(id, first), true);
    assert.equal(await store.takeLease(id, tooSoon), false);
    assert.equal(await store.takeLease(id, second), true);
  });

  test('RF-4: fences out who held it before', async (store) => {
    const session = aSession();
    await store.createSession(session);
    const frozen = lease();
    const other = lease({ now: after(20) });
    await store.takeLease(session.id, frozen);
    await store.takeLease(session.id, other);
    const late = aState();
    const right = aState();

    assert.equal(await store.rotateSession(session.id, frozen.leaseId, late), false);
    await store.releaseLease(session.id, frozen.leaseId);
    assert.equal(await store.rotateSession(session.id, other.leaseId, right), true);

    const found = await store.findSession(session.id, NOW);
    same(found, { ...session, ...right });
  });

  test('is not given to whoever read an older generation, nor of what is not there', async (store) => {
    const { id } = aSession();
    await store.createSession(aSession({ id, generation: 2 }));

    assert.equal(await store.takeLease(id, lease({ generation: 1 })), false);
    assert.equal(await store.takeLease(anId(), lease()), false);
    assert.equal(await store.takeLease(id, lease({ generation: 2 })), true);
  });

  test('is given back by the commit, or without one', async (store) => {
    const session = aSession();
    await store.createSession(session);
    const first = lease();
    const state = aState();

    await store.takeLease(session.id, first);
    await store.releaseLease(session.id, first.leaseId);
    same(await store.findSession(session.id, NOW), session);
    assert.equal(await store.rotateSession(session.id, first.leaseId, state), false);

    const second = lease();
    await store.takeLease(session.id, second);
    assert.equal(await store.rotateSession(session.id, second.leaseId, state), true);
    same(await store.findSession(session.id, NOW), { ...session, ...state });
    assert.equal(await store.rotateSession(session.id, second.leaseId, aState()), false);
  });

  test('RF-3: lets 20 racers rotate a session once', async (store) => {
    const session = aSession();
    await store.createSession(session);
    const rotate = async (): Promise<boolean> => {
      const request = lease();
      if (!(await store.takeLease(session.id, request))) return false;
      return store.rotateSession(session.id, request.leaseId, aState());
    };

    const rotated = await Promise.all(times(20, rotate));

    assert.equal(rotated.filter(Boolean).length, 1);
    assert.equal((await store.findSession(session.id, NOW))?.generation, 2);
  });
}
