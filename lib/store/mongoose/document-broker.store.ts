import type { Connection } from 'mongoose';
import {
  type BrokerSession,
  BrokerStore,
  type LeaseRequest,
  type Revocation,
  type SessionEnding,
  type SessionFilter,
  type SessionState,
  type SessionUse,
  type StoredPeerKeys,
  type StoredSigningKey,
} from '../../contract/broker-store.js';
import { ABSENT, alive, inserted, isId, written } from './commands.js';
import {
  toPeerKeys,
  toRevocation,
  toSession,
  toSessionDocument,
  toSigningKey,
  toSigningKeyDocument,
  toStateMembers,
} from './documents.js';
import { type BrokerCollections, collectionsOf, makeIndexes } from './collections.js';

const MOST_LISTED = 1000;
const UPSERT = { upsert: true } as const;
const IDS = { projection: { _id: 1 } } as const;
/** So many documents are read at once: more would hold up everything else in the process. */
const BATCH = 2000;

/** The store of broker mode on a connection of Mongoose. Plain commands on single documents; no transactions. */
export class DocumentBrokerStore extends BrokerStore {
  constructor(protected readonly connection: Connection) {
    super();
  }

  override async open(): Promise<void> {
    await makeIndexes(this.#collections);
  }

  get #collections(): BrokerCollections {
    return collectionsOf(this.connection);
  }

  async createSession(session: BrokerSession): Promise<boolean> {
    return inserted(this.#collections.sessions, toSessionDocument(session));
  }

  async findSession(id: string, now: Date): Promise<BrokerSession | undefined> {
    if (!isId(id)) return undefined;
    const found = await this.#collections.sessions.findOne({ _id: id, ...alive(now) });
    return found === null ? undefined : toSession(found);
  }

  async listSessions(filter: SessionFilter, now: Date): Promise<BrokerSession[]> {
    if (!Object.values(filter).every(isId)) return [];
    const found = await this.#collections.sessions
      .find({ ...filter, ...alive(now) })
      .sort({ createdAt: -1 })
      .limit(MOST_LISTED)
      .toArray();
    return found.map(toSession);
  }

  async takeLease(id: string, request: LeaseRequest): Promise<boolean> {
    const { leaseId, until: leaseUntil, now, generation } = request;
    if (!isId(id)) return false;
    const { modifiedCount } = await this.#collections.sessions.updateOne(
      {
        _id: id,
        generation,
        ...alive(now),
        $or: [{ leaseUntil: ABSENT }, { leaseUntil: { $lte: now } }],
      },
      { $set: { leaseId, leaseUntil } },
    );
    return modifiedCount === 1;
  }

  async rotateSession(id: string, leaseId: string, state: SessionState): Promise<boolean> {
    if (!isId(id) || !isId(leaseId)) return false;
    const { modifiedCount } = await this.#collections.sessions.updateOne(
      { _id: id, leaseId, revokedAt: ABSENT },
      {
        $set: toStateMembers(state),
        $unset: {
          leaseId: '',
          leaseUntil: '',
          ...(state.refreshHash === undefined ? { refreshHash: '' } : {}),
        },
      },
    );
    return modifiedCount === 1;
  }

  override async touchSession(id: string, use: SessionUse): Promise<boolean> {
    const { cookieHash, usedAt, expiresAt, now } = use;
    if (!isId(id) || !isId(cookieHash)) return false;
    const { modifiedCount } = await this.#collections.sessions.updateOne(
      { _id: id, cookieHash, ...alive(now), usedAt: { $lt: usedAt } },
      { $set: { usedAt, expiresAt } },
    );
    return modifiedCount === 1;
  }

  async releaseLease(id: string, leaseId: string): Promise<void> {
    if (!isId(id) || !isId(leaseId)) return;
    await this.#collections.sessions.updateOne(
      { _id: id, leaseId },
      { $unset: { leaseId: '', leaseUntil: '' } },
    );
  }

  async revokeSession(id: string, ending: SessionEnding): Promise<boolean> {
    const { at, keepUntil, leaseId, endingId } = ending;
    if (![id, leaseId ?? id, endingId ?? id].every(isId)) return false;
    const unended = { revokedAt: ABSENT, ...(leaseId === undefined ? {} : { leaseId }) };
    const again = endingId === undefined ? [] : [{ endingId, revokedAt: { $exists: true } }];
    const { matchedCount } = await this.#collections.sessions.updateOne(
      { _id: id, $or: [unended, ...again] },
      {
        $set: {
          revokedAt: at,
          expiresAt: keepUntil,
          sealed: '',
          ...(endingId === undefined ? {} : { endingId }),
        },
      },
    );
    return matchedCount === 1;
  }

  async addRevocation({ kind, id, at, expiresAt }: Revocation): Promise<void> {
    const { revocations } = this.#collections;
    const later = { $max: { revokedAt: at, expiresAt } };
    const write = () => revocations.updateOne({ _id: { $eq: `${kind}:${id}` } }, later, UPSERT);
    if (!(await written(write))) await write();
  }

  async listRevocations(since: Date, now: Date, limit = 0): Promise<Revocation[]> {
    const filter = { revokedAt: { $gte: since }, expiresAt: { $gt: now } };
    const sort = { revokedAt: -1 } as const;
    const newest = { projection: { revokedAt: 1, expiresAt: 1 }, sort, limit, batchSize: BATCH };
    const sessions = await this.#collections.sessions.find(filter, newest).toArray();
    const others = await this.#collections.revocations.find(filter, newest).toArray();
    const ofSessions = sessions.map(({ _id, revokedAt: at = since, expiresAt }): Revocation => ({
      kind: 'session',
      id: _id,
      at,
      expiresAt,
    }));
    return [...ofSessions, ...others.map(toRevocation)];
  }

  async insertSigningKey(key: StoredSigningKey): Promise<boolean> {
    return inserted(this.#collections.signingKeys, toSigningKeyDocument(key));
  }

  async listSigningKeys(): Promise<StoredSigningKey[]> {
    const found = await this.#collections.signingKeys.find().sort({ _id: 1 }).toArray();
    return found.map(toSigningKey);
  }

  async retireSigningKey(sequence: number, at: Date): Promise<boolean> {
    const { modifiedCount } = await this.#collections.signingKeys.updateOne(
      { _id: sequence, retiredAt: ABSENT },
      { $set: { retiredAt: at } },
    );
    return modifiedCount === 1;
  }

  async resealSigningKey(
    sequence: number,
    { expected, next }: { expected: string; next: string },
  ): Promise<boolean> {
    const { modifiedCount } = await this.#collections.signingKeys.updateOne(
      { _id: sequence, sealed: expected },
      { $set: { sealed: next } },
    );
    return modifiedCount === 1;
  }

  async deleteSigningKey(sequence: number, kid?: string): Promise<void> {
    const key = kid === undefined ? { _id: sequence } : { _id: sequence, kid };
    await this.#collections.signingKeys.deleteOne(key);
  }

  async savePeerKeys({ issuer, issuerHash, jwks, fetchedAt }: StoredPeerKeys): Promise<void> {
    const { peerKeys } = this.#collections;
    const write = () =>
      peerKeys.updateOne(
        { _id: { $eq: issuerHash } },
        { $set: { issuer, jwks, fetchedAt } },
        UPSERT,
      );
    if (!(await written(write))) await write();
  }

  async listPeerKeys(): Promise<StoredPeerKeys[]> {
    return (await this.#collections.peerKeys.find().toArray()).map(toPeerKeys);
  }

  async deletePeerKeys(issuerHash: string, fetchedAt?: Date): Promise<void> {
    if (!isId(issuerHash)) return;
    const set = fetchedAt === undefined ? { _id: issuerHash } : { _id: issuerHash, fetchedAt };
    await this.#collections.peerKeys.deleteOne(set);
  }

  async purgeExpired(before: Date, limit: number): Promise<number> {
    const { sessions, revocations } = this.#collections;
    // Asked again where it deletes: one that is revoked or renewed meanwhile must stay.
    const expired = { expiresAt: { $lt: before } };
    const ended = await sessions.find(expired, IDS).limit(limit).toArray();
    const others = await revocations.find(expired, IDS).limit(limit).toArray();
    const one = await sessions.deleteMany({ ...expired, _id: { $in: idsOf(ended) } });
    const other = await revocations.deleteMany({ ...expired, _id: { $in: idsOf(others) } });
    return one.deletedCount + other.deletedCount;
  }
}

const idsOf = (documents: readonly { _id: string }[]) => documents.map(({ _id }) => _id);
