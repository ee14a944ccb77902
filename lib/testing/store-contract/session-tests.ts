import assert from 'node:assert/strict';
import { same } from './comparisons.js';
import { NOW, aSession, aState, after, anId, hashOf, MANY, times } from './rows.js';
import type { StoreTest } from './store-test.js';

/** What is no id, and must neither match anything nor mean anything to a database. */
const NOT_IDS: Readonly<Record<string, unknown>> = {
  'an empty text': '',
  'a quote': "' OR '1'='1",
  'an operator': { $ne: '' },
  'a list': ['x'],
  'a number': 1,
  nothing: undefined,
  '10 kB': 'a'.repeat(10_240),
  'a NUL': `${'a'.repeat(31)}\0`,
};

export function sessionTests(test: StoreTest): void {
  test('come back as they were written, to the millisecond, with what is undefined', async (store) => {
    const session = aSession({
      replaced: [
        { generation: 3, at: after(-20) },
        { generation: 4, at: after(-10.5) },
      ],
      generation: 5,
      leaseId: anId(),
      leaseUntil: after(15.001),
    });
    const bare = aSession({ providerSessionHash: undefined, refreshHash: undefined });

    assert.equal(await store.createSession(session), true);
    assert.equal(await store.createSession(bare), true);

    same(await store.findSession(session.id, NOW), session);
    same(await store.findSession(bare.id, NOW), bare);
  });

  test('keep a sealed text of 60,000 characters', async (store) => {
    const session = aSession({ sealed: 'x'.repeat(60_000) });

    await store.createSession(session);

    assert.equal((await store.findSession(session.id, NOW))?.sealed, session.sealed);
  });

  test('TK-3: let one of 50 simultaneous sessions of a login in', async (store) => {
    const loginHash = hashOf(anId());
    const sessions = times(MANY, () => aSession({ loginHash }));

    const created = await Promise.all(sessions.map((one) => store.createSession(one)));

    assert.equal(created.filter(Boolean).length, 1);
    const found = await Promise.all(sessions.map(({ id }) => store.findSession(id, NOW)));
    same(
      found.map((one) => one !== undefined),
      created,
    );
  });

  test('ST-2: are invisible from their end on, at the time of the caller', async (store) => {
    const session = aSession({ expiresAt: after(3600) });
    await store.createSession(session);
    const { id, subjectHash } = session;

    assert.notEqual(await store.findSession(id, after(3599.999)), undefined);
    assert.equal(await store.findSession(id, after(3600)), undefined);
    same(await store.listSessions({ subjectHash }, after(3600)), []);
    const late = { leaseId: anId(), until: after(3700), now: after(3600), generation: 1 };
    assert.equal(await store.takeLease(id, late), false);
    assert.notEqual(await store.findSession(id, NOW), undefined); // a clock that was set back
  });

  for (const [what, value] of Object.entries(NOT_IDS)) {
    test(`ST-4: are not found by ${what}`, async (store) => {
      const id: string = JSON.parse(JSON.stringify({ value })).value; // of any type, as a body parser gives it
      await store.createSession(aSession());

      assert.equal(await store.findSession(id, NOW), undefined);
      same(await store.listSessions({ subjectHash: id }, NOW), []);
      same(await store.listSessions({ providerSessionHash: id }, NOW), []);
      const request = { leaseId: anId(), until: after(15), now: NOW, generation: 1 };
      assert.equal(await store.takeLease(id, request), false);
      assert.equal(await store.rotateSession(id, anId(), aState()), false);
      assert.equal(await store.revokeSession(id, { at: NOW, keepUntil: after(60) }), false);
      await store.releaseLease(id, anId());
    });
  }

  test('ST-4: are found by their exact id alone', async (store) => {
    const id = `abcdef${anId().slice(6)}`;
    await store.createSession(aSession({ id }));

    for (const other of [id.toUpperCase(), `${id} `, ` ${id}`, id.slice(1), `${id}0`]) {
      assert.equal(await store.findSession(other, NOW), undefined);
      assert.equal(await store.revokeSession(other, { at: NOW, keepUntil: after(60) }), false);
    }
    assert.notEqual(await store.findSession(id, NOW), undefined);
  });

  test('are listed by each hash, newest first, the ended ones left out', async (store) => {
    const subjectHash = hashOf(anId());
    const providerSubjectHash = hashOf(anId());
    const providerSessionHash = hashOf(anId());
    const both = { subjectHash, providerSubjectHash };
    const old = aSession({ ...both, createdAt: after(-60) });
    const newer = aSession({ ...both, providerSessionHash });
    const revoked = aSession(both);
    const expired = aSession({ ...both, expiresAt: NOW });
    for (const one of [old, newer, revoked, expired, aSession()]) await store.createSession(one);
    await store.revokeSession(revoked.id, { at: NOW, keepUntil: after(3600) });

    const ids = [newer.id, old.id];
    const listed = await store.listSessions({ subjectHash }, NOW);
    const byProvider = await store.listSessions({ providerSubjectHash }, NOW);
    const bySession = await store.listSessions({ providerSessionHash }, NOW);

    same(
      listed.map(({ id }) => id),
      ids,
    );
    same(listed, [newer, old]);
    same(
      byProvider.map(({ id }) => id),
      ids,
    );
    same(
      bySession.map(({ id }) => id),
      [newer.id],
    );
  });
}
