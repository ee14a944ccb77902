import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { BrokerStore, Revocation } from '../../lib/contract/broker-store.js';
import { NOW, aSession, aSigningKey, aState, after, anId, hashOf } from './a-session.js';

const MANY = 50;

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** What is no id, and must neither match anything nor mean anything to a database. */
const NOT_IDS: readonly [what: string, value: unknown][] = [
  ['an empty text', ''],
  ['a quote', "' OR '1'='1"],
  ['an operator', { $ne: '' }],
  ['a list', ['x']],
  ['a number', 1],
  ['nothing', undefined],
  ['10 kB', 'a'.repeat(10_240)],
  ['a NUL', `${'a'.repeat(31)}\0`],
];

const lease = (members: { leaseId?: string; now?: Date; generation?: number } = {}) => ({
  leaseId: anId(),
  now: NOW,
  until: after(15, members.now ?? NOW),
  generation: 1,
  ...members,
});

const idsOf = (listed: readonly { id: string }[]) => listed.map(({ id }) => id).toSorted();

const keysOf = (issuer: string, jwks: string, fetchedAt = NOW) => ({
  issuer,
  issuerHash: hashOf(issuer),
  jwks,
  fetchedAt,
});

/**
 * What every store must do, each sentence of `BrokerStore` and more.
 *
 * @param open gives an opened store whose tables may hold what other tests left.
 */
export function brokerStoreContract(open: () => Promise<BrokerStore>): void {
  let store: BrokerStore;

  const peerKeysOf = async (issuer: string) =>
    (await store.listPeerKeys()).filter((one) => one.issuer === issuer);
  const revocationsOf = async (id: string, since = NOW, now = NOW): Promise<Revocation[]> =>
    (await store.listRevocations(since, now)).filter((one) => one.id === id);

  beforeAll(async () => {
    store = await open();
  });

  afterAll(() => store.close());

  describe('sessions', () => {
    it('come back as they were written, to the millisecond, with what is undefined', async () => {
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

      expect(await store.createSession(session)).toBe(true);
      expect(await store.createSession(bare)).toBe(true);

      expect(await store.findSession(session.id, NOW)).toStrictEqual(session);
      expect(await store.findSession(bare.id, NOW)).toStrictEqual(bare);
    });

    it('keep a sealed text of 60,000 characters', async () => {
      const session = aSession({ sealed: 'x'.repeat(60_000) });

      await store.createSession(session);

      expect((await store.findSession(session.id, NOW))?.sealed).toBe(session.sealed);
    });

    it('TK-3: let one of 50 simultaneous sessions of a login in', async () => {
      const loginHash = hashOf(anId());
      const sessions = times(MANY, () => aSession({ loginHash }));

      const created = await Promise.all(sessions.map((one) => store.createSession(one)));

      expect(created.filter(Boolean)).toHaveLength(1);
      const found = await Promise.all(sessions.map(({ id }) => store.findSession(id, NOW)));
      expect(found.map((one) => one !== undefined)).toEqual(created);
    });

    it('ST-2: are invisible from their end on, at the time of the caller', async () => {
      const session = aSession({ expiresAt: after(3600) });
      await store.createSession(session);
      const { id, subjectHash } = session;

      expect(await store.findSession(id, after(3599.999))).toBeDefined();
      expect(await store.findSession(id, after(3600))).toBeUndefined();
      expect(await store.listSessions({ subjectHash }, after(3600))).toEqual([]);
      const late = { leaseId: anId(), until: after(3700), now: after(3600), generation: 1 };
      expect(await store.takeLease(id, late)).toBe(false);
      expect(await store.findSession(id, NOW)).toBeDefined(); // a clock that was set back
    });

    it.each(NOT_IDS)('ST-4: are not found by %s', async (_, value) => {
      const id: string = JSON.parse(JSON.stringify({ value })).value; // of any type, as a body parser gives it
      await store.createSession(aSession());

      expect(await store.findSession(id, NOW)).toBeUndefined();
      expect(await store.listSessions({ subjectHash: id }, NOW)).toEqual([]);
      expect(await store.listSessions({ providerSessionHash: id }, NOW)).toEqual([]);
      const request = { leaseId: anId(), until: after(15), now: NOW, generation: 1 };
      expect(await store.takeLease(id, request)).toBe(false);
      expect(await store.rotateSession(id, anId(), aState())).toBe(false);
      expect(await store.revokeSession(id, { at: NOW, keepUntil: after(60) })).toBe(false);
      await store.releaseLease(id, anId());
    });

    it('ST-4: are found by their exact id alone', async () => {
      const id = `abcdef${anId().slice(6)}`;
      await store.createSession(aSession({ id }));

      for (const other of [id.toUpperCase(), `${id} `, ` ${id}`, id.slice(1), `${id}0`]) {
        expect(await store.findSession(other, NOW)).toBeUndefined();
        expect(await store.revokeSession(other, { at: NOW, keepUntil: after(60) })).toBe(false);
      }
      expect(await store.findSession(id, NOW)).toBeDefined();
    });

    it('are listed by each hash, newest first, the ended ones left out', async () => {
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

      expect(listed.map(({ id }) => id)).toEqual(ids);
      expect(listed).toStrictEqual([newer, old]);
      expect(byProvider.map(({ id }) => id)).toEqual(ids);
      expect(bySession.map(({ id }) => id)).toEqual([newer.id]);
    });
  });

  describe('the lease of a session', () => {
    it('RF-4: goes to one of 50 who want it at once', async () => {
      const session = aSession();
      await store.createSession(session);
      const requests = times(MANY, () => lease());

      const taken = await Promise.all(requests.map((one) => store.takeLease(session.id, one)));

      expect(taken.filter(Boolean)).toHaveLength(1);
      const winner = requests[taken.indexOf(true)];
      expect(await store.findSession(session.id, NOW)).toStrictEqual({
        ...session,
        leaseId: winner?.leaseId,
        leaseUntil: winner?.until,
      });
    });

    it('RF-4: is free again when it has run out, to the millisecond', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));
      const [first, tooSoon, second] = [
        lease(),
        lease({ now: after(14.999) }),
        lease({ now: after(15) }),
      ];

      expect(await store.takeLease(id, first)).toBe(true);
      expect(await store.takeLease(id, tooSoon)).toBe(false);
      expect(await store.takeLease(id, second)).toBe(true);
    });

    it('RF-4: fences out who held it before', async () => {
      const session = aSession();
      await store.createSession(session);
      const frozen = lease();
      const other = lease({ now: after(20) });
      await store.takeLease(session.id, frozen);
      await store.takeLease(session.id, other);
      const late = aState();
      const right = aState();

      expect(await store.rotateSession(session.id, frozen.leaseId, late)).toBe(false);
      await store.releaseLease(session.id, frozen.leaseId);
      expect(await store.rotateSession(session.id, other.leaseId, right)).toBe(true);

      const found = await store.findSession(session.id, NOW);
      expect(found).toStrictEqual({ ...session, ...right });
    });

    it('is not given to whoever read an older generation, nor of what is not there', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id, generation: 2 }));

      expect(await store.takeLease(id, lease({ generation: 1 }))).toBe(false);
      expect(await store.takeLease(anId(), lease())).toBe(false);
      expect(await store.takeLease(id, lease({ generation: 2 }))).toBe(true);
    });

    it('is given back by the commit, or without one', async () => {
      const session = aSession();
      await store.createSession(session);
      const first = lease();
      const state = aState();

      await store.takeLease(session.id, first);
      await store.releaseLease(session.id, first.leaseId);
      expect(await store.findSession(session.id, NOW)).toStrictEqual(session);
      expect(await store.rotateSession(session.id, first.leaseId, state)).toBe(false);

      const second = lease();
      await store.takeLease(session.id, second);
      expect(await store.rotateSession(session.id, second.leaseId, state)).toBe(true);
      expect(await store.findSession(session.id, NOW)).toStrictEqual({ ...session, ...state });
      expect(await store.rotateSession(session.id, second.leaseId, aState())).toBe(false);
    });

    it('RF-3: lets 20 racers rotate a session once', async () => {
      const session = aSession();
      await store.createSession(session);
      const rotate = async (): Promise<boolean> => {
        const request = lease();
        if (!(await store.takeLease(session.id, request))) return false;
        return store.rotateSession(session.id, request.leaseId, aState());
      };

      const rotated = await Promise.all(times(20, rotate));

      expect(rotated.filter(Boolean)).toHaveLength(1);
      expect((await store.findSession(session.id, NOW))?.generation).toBe(2);
    });
  });

  describe('a session that is revoked', () => {
    it('LO-2: is gone for everybody, with its secrets, and its lease is worth nothing', async () => {
      const session = aSession();
      const { id, subjectHash } = session;
      await store.createSession(session);
      const leaseId = anId();
      await store.takeLease(id, { leaseId, until: after(15), now: NOW, generation: 1 });

      const revoked = await store.revokeSession(id, { at: after(1), keepUntil: after(4200) });

      expect(revoked).toBe(true);
      expect(await store.findSession(id, NOW)).toBeUndefined();
      expect(await store.listSessions({ subjectHash }, NOW)).toEqual([]);
      expect(await store.rotateSession(id, leaseId, aState())).toBe(false);
      const again = { leaseId: anId(), until: after(60), now: after(30), generation: 1 };
      expect(await store.takeLease(id, again)).toBe(false);
      expect(await store.createSession(aSession({ loginHash: session.loginHash }))).toBe(false);
    });

    it('is revoked once, however many try', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));

      const revoked = await Promise.all(
        times(20, () => store.revokeSession(id, { at: NOW, keepUntil: after(60) })),
      );

      expect(revoked.filter(Boolean)).toHaveLength(1);
      expect(await store.revokeSession(anId(), { at: NOW, keepUntil: after(60) })).toBe(false);
    });

    it('LO-2: says so again to whoever repeats the same end, and to nobody else', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));
      await store.takeLease(id, lease());
      const [first, other] = [anId(), anId()];
      const end = (endingId: string | undefined) =>
        store.revokeSession(id, { at: after(1), keepUntil: after(60), endingId });

      const all = await Promise.all([end(first), end(first), end(first)]);

      expect(all).toEqual([true, true, true]);
      expect(await end(other)).toBe(false);
      expect(await end(undefined)).toBe(false);
      expect(await end('x')).toBe(false);
      expect(await end(first)).toBe(true);
      expect(await store.findSession(id, NOW)).toBeUndefined();
      expect(await revocationsOf(id)).toHaveLength(1);
    });

    it('RF-4: by whoever held its lease says so again, and not to a later lease of that name', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));
      const { leaseId, ...request } = lease();
      await store.takeLease(id, { leaseId, ...request });
      const end = (endingId: string) =>
        store.revokeSession(id, { at: after(1), keepUntil: after(60), leaseId, endingId });

      expect(await end('0'.repeat(32))).toBe(true);
      expect(await end('0'.repeat(32))).toBe(true);
      expect(await end(leaseId)).toBe(false);
      expect(await store.rotateSession(id, '0'.repeat(32), aState())).toBe(false);
    });

    it('RF-4: by whoever holds its lease, and not by whoever held it before', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));
      const [frozen, other] = [lease(), lease({ now: after(20) })];
      const end = (leaseId: string | undefined) =>
        store.revokeSession(id, { at: after(21), keepUntil: after(60), leaseId });
      await store.takeLease(id, frozen);
      await store.takeLease(id, other);

      expect(await end(frozen.leaseId)).toBe(false);
      expect(await end('x')).toBe(false);
      expect(await store.findSession(id, NOW)).toBeDefined();
      expect(await end(other.leaseId)).toBe(true);
      expect(await store.findSession(id, NOW)).toBeUndefined();
    });

    it('LO-2: by whoever holds no lease, also while somebody else does', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));
      await store.takeLease(id, lease());

      const ended = await store.revokeSession(id, {
        at: NOW,
        keepUntil: after(60),
        leaseId: undefined,
      });

      expect(ended).toBe(true);
    });

    it('RF-4: is not ended with a lease that was given back', async () => {
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

      expect(ended).toBe(false);
    });

    it('is listed among the revocations as long as it must be', async () => {
      const { id } = aSession();
      await store.createSession(aSession({ id }));
      await store.revokeSession(id, { at: after(1), keepUntil: after(4200) });
      const listed = async (since: Date, now: Date): Promise<Revocation[]> =>
        (await store.listRevocations(since, now)).filter((one) => one.id === id);

      const expected = { kind: 'session', id, at: after(1), expiresAt: after(4200) };
      expect(await listed(NOW, after(2))).toStrictEqual([expected]);
      expect(await listed(after(1), after(4199.999))).toStrictEqual([expected]);
      expect(await listed(after(1.001), after(2))).toEqual([]);
      expect(await listed(NOW, after(4200))).toEqual([]);
    });
  });

  describe('revocations of tokens and subjects', () => {
    it('are kept by kind and id, and end by themselves', async () => {
      const id = hashOf(anId());
      const token = { kind: 'token', id, at: NOW, expiresAt: after(60) } as const;
      const subject = { ...token, kind: 'subject', expiresAt: after(120) } as const;
      await store.addRevocation(token);
      await store.addRevocation(subject);

      const both = await revocationsOf(id);
      expect(both).toHaveLength(2);
      expect(both).toEqual(expect.arrayContaining([token, subject]));
      expect(await revocationsOf(id, NOW, after(60))).toStrictEqual([subject]);
      expect(await revocationsOf(id, after(1))).toEqual([]);
    });

    it('are renewed by a later one of the same name, and not by an earlier one', async () => {
      const id = hashOf(anId());
      const first = { kind: 'subject', id, at: NOW, expiresAt: after(60) } as const;
      const later = { ...first, at: after(10), expiresAt: after(70) };
      await store.addRevocation(first);
      await store.addRevocation(later);
      await store.addRevocation(first);

      expect(await revocationsOf(id)).toStrictEqual([later]);
    });

    it('never end sooner because they were renewed', async () => {
      const id = hashOf(anId());
      const first = { kind: 'subject', id, at: NOW, expiresAt: after(3600) } as const;
      const later = { ...first, at: after(10), expiresAt: after(300) };
      await store.addRevocation(first);
      await store.addRevocation(later);

      expect(await revocationsOf(id)).toStrictEqual([{ ...later, expiresAt: first.expiresAt }]);
    });

    it('are all listed, or the latest of them up to a limit', async () => {
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

      expect(idsOf(all)).toEqual(idsOf(tokens));
      expect(few).toHaveLength(40);
      const oldest = Math.min(...few.map(({ at }) => at.getTime()));
      const newer = tokens.filter(({ at }) => at.getTime() > oldest);
      expect(idsOf(few)).toEqual(expect.arrayContaining(idsOf(newer)));
    });

    it('ST-3: may be written by many at once', async () => {
      const id = hashOf(anId());
      const revocations = times(MANY, (at) => ({
        kind: 'subject' as const,
        id,
        at: after(at),
        expiresAt: after(at + 60),
      }));

      await Promise.all(revocations.map((one) => store.addRevocation(one)));

      expect(await revocationsOf(id, NOW, after(60))).toStrictEqual([revocations.at(-1)]);
    });
  });

  describe('signing keys', () => {
    beforeEach(async () => {
      for (const { sequence } of await store.listSigningKeys()) {
        await store.deleteSigningKey(sequence);
      }
    });

    it('KM-1: of 50 first keys one is kept', async () => {
      const keys = times(MANY, () => aSigningKey());

      const inserted = await Promise.all(keys.map((one) => store.insertSigningKey(one)));

      expect(inserted.filter(Boolean)).toHaveLength(1);
      expect(await store.listSigningKeys()).toStrictEqual([keys[inserted.indexOf(true)]]);
    });

    it('come back as they were written, by their number', async () => {
      const keys = [2, 1, 10].map((sequence) => aSigningKey({ sequence }));
      for (const key of keys) await store.insertSigningKey(key);

      const listed = await store.listSigningKeys();

      expect(listed).toStrictEqual([keys[1], keys[0], keys[2]]);
    });

    it('KM-2: are retired once', async () => {
      await store.insertSigningKey(aSigningKey());

      const retired = await Promise.all(times(10, () => store.retireSigningKey(1, NOW)));

      expect(retired.filter(Boolean)).toHaveLength(1);
      expect((await store.listSigningKeys())[0]?.retiredAt).toStrictEqual(NOW);
      expect(await store.retireSigningKey(2, NOW)).toBe(false);
    });

    it('KM-5: are encrypted anew by whoever read them last', async () => {
      const key = aSigningKey();
      await store.insertSigningKey(key);
      const reseal = (next: string) => store.resealSigningKey(1, { expected: key.sealed, next });

      const resealed = await Promise.all(['a', 'b', 'c'].map(reseal));

      expect(resealed.filter(Boolean)).toHaveLength(1);
      const [stored] = await store.listSigningKeys();
      expect(stored?.sealed).toBe(['a', 'b', 'c'][resealed.indexOf(true)]);
    });

    it('are gone when they are deleted', async () => {
      await store.insertSigningKey(aSigningKey());
      await store.deleteSigningKey(1);
      await store.deleteSigningKey(1);

      expect(await store.listSigningKeys()).toEqual([]);
    });
  });

  describe('a deletion', () => {
    it('ST-5: takes no signing key that got the number of an older one meanwhile', async () => {
      const [old, next] = [aSigningKey({ sequence: 7 }), aSigningKey({ sequence: 7 })];
      await store.insertSigningKey(old);
      await store.deleteSigningKey(7, old.kid);
      await store.insertSigningKey(next);

      await store.deleteSigningKey(7, old.kid);

      expect(await store.listSigningKeys()).toContainEqual(next);
      await store.deleteSigningKey(7, next.kid);
      expect(await store.listSigningKeys()).not.toContainEqual(next);
    });

    it('ST-5: takes no key set that was written anew meanwhile', async () => {
      const issuer = `https://${anId()}.example.org`;
      await store.savePeerKeys(keysOf(issuer, '{}', NOW));
      await store.savePeerKeys(keysOf(issuer, '{}', after(1)));

      await store.deletePeerKeys(hashOf(issuer), NOW);
      expect(await peerKeysOf(issuer)).toHaveLength(1);
      await store.deletePeerKeys(hashOf(issuer), after(1));
      expect(await peerKeysOf(issuer)).toEqual([]);
    });
  });

  describe('key sets of peers', () => {
    it('A-40: are written again and again, and by many at once', async () => {
      const issuer = `https://${anId()}.example.org/Path`;
      await store.savePeerKeys(keysOf(issuer, '{"keys":[]}'));
      await Promise.all(times(20, (at) => store.savePeerKeys(keysOf(issuer, `{"keys":[${at}]}`))));
      const last = keysOf(issuer, 'x'.repeat(60_000), after(5));
      await store.savePeerKeys(last);

      expect(await peerKeysOf(issuer)).toStrictEqual([last]);
    });

    it('FD-2: are gone when they are deleted, and only those', async () => {
      const [one = '', other = ''] = times(2, () => `https://${anId()}.example.org`);
      await store.savePeerKeys(keysOf(one, '{}'));
      await store.savePeerKeys(keysOf(other, '{}'));

      await store.deletePeerKeys(hashOf(one));

      expect(await peerKeysOf(one)).toEqual([]);
      expect(await peerKeysOf(other)).toHaveLength(1);
    });
  });

  describe('the purge', () => {
    it('ST-5: removes what has expired, in batches, and nothing else', async () => {
      const before = new Date('2029-01-01T00:00:00Z'); // older than what other tests write
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

      const removed = [];
      do removed.push(await store.purgeExpired(before, 10));
      while (removed.at(-1) !== 0);

      expect(removed.reduce((sum, count) => sum + count)).toBe(26);
      expect(Math.max(...removed)).toBeLessThanOrEqual(20);
      const found = await Promise.all(
        expired.map((one) => store.findSession(one.id, after(-60, before))),
      );
      expect(found.every((one) => one === undefined)).toBe(true);
      expect(await store.findSession(alive.id, after(-60, before))).toBeDefined();
      const [first] = expired;
      expect(await store.createSession(aSession({ loginHash: first?.loginHash ?? '' }))).toBe(true);
      const left = await store.listRevocations(after(-3600, before), after(-60, before));
      expect(left.filter((one) => one.id === id)).toEqual([]);
    });

    it('ST-5: takes nothing that is renewed, refreshed or revoked at the same time', async () => {
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
      expect(listed).toEqual(expect.arrayContaining(subjects.map(({ id }) => id)));
      const revoked = ended.filter((_, at) => results[1 + MANY + at] === true);
      expect(listed).toEqual(expect.arrayContaining(revoked.map(({ id }) => id)));
      for (const [at, { id }] of refreshed.entries()) {
        const found = await store.findSession(id, now);
        expect(found !== undefined).toBe(results[1 + 2 * MANY + at]);
      }
    });
  });
}
