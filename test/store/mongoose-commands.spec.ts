import { randomBytes } from 'node:crypto';

import mongoose, { type Connection, type ConnectOptions, mongo } from 'mongoose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { MongooseBrokerStore } from '../../lib/store/mongoose/index.js';
import {
  NOW,
  aSession,
  aSigningKey,
  aState,
  after,
  anId,
  hashOf,
} from '../../lib/testing/store-contract/rows.js';
import { required } from './required.js';

const server = process.env['OIDC_TEST_MONGODB_URL'];
const missing = required('MongoDB', server ? undefined : 'OIDC_TEST_MONGODB_URL is not set');

const membersOf = (document: object | undefined) => Object.keys(document ?? {}).toSorted();

/** Does something once, right before or after the next call of a method of every collection. */
function once(
  method: 'deleteMany' | 'insertOne' | 'updateOne',
  when: 'before' | 'after',
  work: () => Promise<unknown>,
): void {
  const original = mongo.Collection.prototype[method];
  vi.spyOn(mongo.Collection.prototype, method).mockImplementationOnce(async function (
    this: unknown,
    ...args: unknown[]
  ) {
    if (when === 'before') await work();
    try {
      return await Reflect.apply(original, this, args);
    } finally {
      if (when === 'after') await work();
    }
  });
}

describe.skipIf(missing)(`Commands to MongoDB${missing ? ` (${missing})` : ''}`, () => {
  let connection: Connection;
  let store: MongooseBrokerStore;

  async function connect(options: ConnectOptions = {}): Promise<void> {
    const own = new URL(server ?? '');
    own.pathname = `/oidc_test_${randomBytes(6).toString('hex')}`;
    connection = await mongoose.createConnection(own.href, options).asPromise();
    store = new MongooseBrokerStore(connection);
  }

  beforeEach(() => connect());

  afterEach(async () => {
    vi.restoreAllMocks();
    await connection.close();
  });

  const documentsOf = async (collection: string) =>
    (await connection.db?.collection(collection).find().toArray()) ?? [];

  it('ST-3: are acknowledged by the majority and read from the primary, whatever the host has set', async () => {
    await connection.close();
    await connect({
      monitorCommands: true,
      readPreference: 'secondaryPreferred',
      readConcern: { level: 'local' },
      writeConcern: { w: 1 },
    });
    const commands: Record<string, unknown>[] = [];
    connection.getClient().on('commandStarted', ({ commandName, command }) => {
      const { readConcern, writeConcern, startTransaction } = command;
      commands.push({ commandName, readConcern, writeConcern, startTransaction });
    });
    const preferences = vi.spyOn(mongo.Db.prototype, 'collection');
    const { id, subjectHash } = aSession();
    const leaseId = anId();

    await store.open();
    await store.createSession(aSession({ id, subjectHash }));
    await store.findSession(id, NOW);
    await store.listSessions({ subjectHash }, NOW);
    await store.takeLease(id, { leaseId, until: after(15), now: NOW, generation: 1 });
    await store.rotateSession(id, leaseId, aState());
    await store.revokeSession(id, { at: NOW, keepUntil: after(60) });
    await store.addRevocation({ kind: 'token', id: hashOf(id), at: NOW, expiresAt: after(60) });
    await store.listRevocations(NOW, NOW);
    await store.insertSigningKey(aSigningKey());
    await store.listSigningKeys();
    await store.purgeExpired(after(3600), 10);

    const kinds = new Set(commands.map(({ commandName }) => commandName));
    expect(kinds).toEqual(new Set(['createIndexes', 'insert', 'find', 'update', 'delete']));
    for (const { commandName, readConcern, writeConcern, startTransaction } of commands) {
      const read = commandName === 'find';
      expect(readConcern).toEqual(read ? { level: 'majority' } : undefined);
      expect(writeConcern).toEqual(read ? undefined : { w: 'majority' });
      expect(startTransaction).toBeUndefined();
    }
    for (const [, options] of preferences.mock.calls) {
      expect(options).toHaveProperty('readPreference', 'primary');
    }
  });

  it('are the same on a connection that hands out wrapped numbers', async () => {
    await connection.close();
    await connect({ promoteValues: false });
    const session = aSession({ replaced: [{ generation: 3, at: NOW }], generation: 4 });
    const key = aSigningKey();

    await store.createSession(session);
    await store.insertSigningKey(key);

    expect(await store.findSession(session.id, NOW)).toStrictEqual(session);
    expect(await store.listSigningKeys()).toStrictEqual([key]);
  });

  it('TK-3: have their unique index where the host makes none by itself', async () => {
    await connection.close();
    await connect({ autoIndex: false, autoCreate: false });

    await Promise.all(Array.from({ length: 5 }, () => store.open()));

    const indexes = (await connection.db?.collection('oidc_sessions').indexes()) ?? [];
    const unique = indexes.filter((index) => index.unique).map((index) => index.key);
    expect(unique).toContainEqual({ loginHash: 1 });
  });

  it('ST-1: write no member of a signing key or a key set beside those of the contract', async () => {
    const key = { ...aSigningKey({ retiredAt: NOW }), privateKey: 'canary' };
    const issuer = 'https://peer.example.org';
    const keys = { issuer, issuerHash: hashOf(issuer), jwks: '{}', fetchedAt: NOW, note: 'canary' };
    const session = { ...aSession(), email: 'canary' };

    await store.insertSigningKey(key);
    await store.savePeerKeys(keys);
    await store.createSession(session);

    const [stored] = await documentsOf('oidc_signing_keys');
    expect(membersOf(stored)).toEqual(
      ['_id', 'algorithm', 'createdAt', 'kid', 'retiredAt', 'sealed', 'signsFrom'].toSorted(),
    );
    const [peer] = await documentsOf('oidc_peer_keys');
    expect(membersOf(peer)).toEqual(['_id', 'fetchedAt', 'issuer', 'jwks'].toSorted());
    expect(JSON.stringify(await documentsOf('oidc_sessions'))).not.toContain('canary');
  });

  it('take a refresh hash away that the new state has not', async () => {
    const session = aSession();
    await store.createSession(session);
    const leaseId = anId();
    await store.takeLease(session.id, { leaseId, until: after(15), now: NOW, generation: 1 });
    const state = aState({ refreshHash: undefined });

    expect(await store.rotateSession(session.id, leaseId, state)).toBe(true);

    expect(await store.findSession(session.id, NOW)).toStrictEqual({ ...session, ...state });
  });

  it('reject, and do not throw, while the connection was never made', async () => {
    const unconnected = new MongooseBrokerStore(mongoose.createConnection());

    const creating = unconnected.createSession(aSession());
    const inserting = unconnected.insertSigningKey(aSigningKey());

    await expect(creating).rejects.toThrow('not open');
    await expect(inserting).rejects.toThrow('not open');
  });

  it('ST-5: do not purge a session that is revoked while they look', async () => {
    const { id } = aSession();
    await store.createSession(aSession({ id, expiresAt: after(-60) }));
    once('deleteMany', 'before', () => store.revokeSession(id, { at: NOW, keepUntil: after(60) }));

    await store.purgeExpired(after(-30), 10);

    expect(await store.listRevocations(NOW, NOW)).toStrictEqual([
      { kind: 'session', id, at: NOW, expiresAt: after(60) },
    ]);
  });

  it('ST-5: do not purge a revocation that is renewed while they look', async () => {
    const id = hashOf(anId());
    const old = { kind: 'subject', id, at: after(-120), expiresAt: after(-60) } as const;
    const renewed = { ...old, at: NOW, expiresAt: after(60) };
    await store.addRevocation(old);
    once('deleteMany', 'before', () => store.addRevocation(renewed));

    await store.purgeExpired(after(-30), 10);

    expect(await store.listRevocations(NOW, NOW)).toStrictEqual([renewed]);
  });

  it('ST-3: write a revocation whose older one is purged meanwhile', async () => {
    const id = hashOf(anId());
    const old = { kind: 'subject', id, at: after(-120), expiresAt: after(-60) } as const;
    const renewed = { ...old, at: NOW, expiresAt: after(60) };
    await store.addRevocation(old);
    once('insertOne', 'after', () => store.purgeExpired(after(-30), 10));

    await store.addRevocation(renewed);

    expect(await store.listRevocations(NOW, NOW)).toStrictEqual([renewed]);
  });

  it('ST-3: write a key set whose older one is deleted meanwhile', async () => {
    const issuer = 'https://peer.example.org';
    const keys = { issuer, issuerHash: hashOf(issuer), jwks: '{}', fetchedAt: NOW };
    await store.savePeerKeys(keys);
    once('insertOne', 'after', () => store.deletePeerKeys(keys.issuerHash));

    await store.savePeerKeys(keys);

    expect(await store.listPeerKeys()).toStrictEqual([keys]);
  });

  it('ST-3: are repeated once where another writer was faster', async () => {
    const id = hashOf(anId());
    const revocation = { kind: 'token', id, at: NOW, expiresAt: after(60) } as const;
    const issuer = 'https://peer.example.org';
    const keys = { issuer, issuerHash: hashOf(issuer), jwks: '{}', fetchedAt: NOW };
    const lost = new mongo.MongoServerError({ message: 'E11000 duplicate key', code: 11_000 });
    const update = vi.spyOn(mongo.Collection.prototype, 'updateOne');

    update.mockRejectedValueOnce(lost);
    await store.addRevocation(revocation);
    update.mockRejectedValueOnce(lost);
    await store.savePeerKeys(keys);

    expect(await store.listRevocations(NOW, NOW)).toStrictEqual([revocation]);
    expect(await store.listPeerKeys()).toStrictEqual([keys]);
  });
});
