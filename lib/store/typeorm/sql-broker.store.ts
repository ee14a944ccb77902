import type { DataSource, ObjectLiteral, Repository, SelectQueryBuilder } from 'typeorm';
import {
  type BrokerSession,
  BrokerStore,
  type LeaseRequest,
  type Revocation,
  type SessionFilter,
  type SessionState,
  type StoredPeerKeys,
  type StoredSigningKey,
} from '../broker-store.js';
import { checkSchema } from './check-schema.js';
import { isUniqueViolation, repeated } from './driver-errors.js';
import { peerKeysEntity, revocationEntity, sessionEntity, signingKeyEntity } from './entities.js';
import {
  toPeerKeys,
  toPeerKeysRow,
  toRevocation,
  toRevocationRow,
  toSigningKey,
  toSigningKeyRow,
} from './other-rows.js';
import { toSession, toSessionRow, toStateColumns } from './session-rows.js';

const MOST_LISTED = 1000;
const FREE_LEASE = '(lease_until IS NULL OR lease_until <= :now)';

/** Anything else could mean something to a collation, or is no id at all. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32,64}$/.test(value);
}

/** The store of broker mode on a DataSource of TypeORM: SQLite, PostgreSQL, MySQL and MariaDB. */
export class SqlBrokerStore extends BrokerStore {
  constructor(protected readonly dataSource: DataSource) {
    super();
  }

  override async open(): Promise<void> {
    await checkSchema(this.dataSource);
  }

  createSession(session: BrokerSession): Promise<boolean> {
    return this.#insert(this.#sessions, toSessionRow(session));
  }

  async findSession(id: string, now: Date): Promise<BrokerSession | undefined> {
    if (!isId(id)) return undefined;
    const row = await repeated(() =>
      this.#alive(now).andWhere('session.id = :id', { id }).getOne(),
    );
    return row?.id === id ? toSession(row) : undefined;
  }

  async listSessions(filter: SessionFilter, now: Date): Promise<BrokerSession[]> {
    const [[name, value] = []] = Object.entries(filter);
    if (name === undefined || !isId(value)) return [];
    const rows = await repeated(() =>
      this.#alive(now)
        .andWhere(`session.${columnOf(name)} = :value`, { value })
        .orderBy('session.createdAt', 'DESC')
        .take(MOST_LISTED)
        .getMany(),
    );
    return rows.map(toSession);
  }

  async takeLease(id: string, request: LeaseRequest): Promise<boolean> {
    const { leaseId, until, generation } = request;
    const now = request.now.getTime();
    if (!isId(id)) return false;
    const taken = await repeated(() =>
      this.#sessions
        .createQueryBuilder()
        .update()
        .set({ leaseId, leaseUntil: until.getTime() })
        .where('id = :id AND generation = :generation', { id, generation })
        .andWhere('revoked_at IS NULL AND expires_at > :now', { now })
        .andWhere(FREE_LEASE, { now })
        .execute(),
    );
    return taken.affected === 1;
  }

  async rotateSession(id: string, leaseId: string, state: SessionState): Promise<boolean> {
    if (!isId(id) || !isId(leaseId)) return false;
    const rotated = await repeated(() =>
      this.#sessions
        .createQueryBuilder()
        .update()
        .set({ ...toStateColumns(state), leaseId: null, leaseUntil: null })
        .where('id = :id AND lease_id = :leaseId AND revoked_at IS NULL', { id, leaseId })
        .execute(),
    );
    return rotated.affected === 1;
  }

  async releaseLease(id: string, leaseId: string): Promise<void> {
    if (!isId(id) || !isId(leaseId)) return;
    await repeated(() =>
      this.#sessions
        .createQueryBuilder()
        .update()
        .set({ leaseId: null, leaseUntil: null })
        .where('id = :id AND lease_id = :leaseId', { id, leaseId })
        .execute(),
    );
  }

  async revokeSession(
    id: string,
    { at, keepUntil }: { at: Date; keepUntil: Date },
  ): Promise<boolean> {
    if (!isId(id)) return false;
    const revoked = await repeated(() =>
      this.#sessions
        .createQueryBuilder()
        .update()
        .set({ revokedAt: at.getTime(), expiresAt: keepUntil.getTime(), sealed: '' })
        .where('id = :id AND revoked_at IS NULL', { id })
        .execute(),
    );
    return revoked.affected === 1;
  }

  async addRevocation(revocation: Revocation): Promise<void> {
    const row = toRevocationRow(revocation);
    if (await this.#insert(this.#revocations, row)) return;
    const { id, revokedAt, expiresAt } = row;
    await repeated(() =>
      this.#revocations
        .createQueryBuilder()
        .update()
        .set({ revokedAt, expiresAt })
        .where('id = :id AND revoked_at <= :revokedAt', { id, revokedAt })
        .execute(),
    );
  }

  async listRevocations(since: Date, now: Date): Promise<Revocation[]> {
    const times = { since: since.getTime(), now: now.getTime() };
    const sessions = await repeated(() =>
      this.#sessions
        .createQueryBuilder('session')
        .select(['session.id', 'session.revokedAt', 'session.expiresAt'])
        .where('session.revoked_at >= :since AND session.expires_at > :now', times)
        .getMany(),
    );
    const others = await repeated(() =>
      this.#revocations
        .createQueryBuilder('revocation')
        .where('revocation.revoked_at >= :since AND revocation.expires_at > :now', times)
        .getMany(),
    );
    const ofSessions = sessions.map(({ id, revokedAt, expiresAt }): Revocation => {
      const at = new Date(revokedAt ?? 0);
      return { kind: 'session', id, at, expiresAt: new Date(expiresAt) };
    });
    return [...ofSessions, ...others.map(toRevocation)];
  }

  insertSigningKey(key: StoredSigningKey): Promise<boolean> {
    return this.#insert(this.#signingKeys, toSigningKeyRow(key));
  }

  async listSigningKeys(): Promise<StoredSigningKey[]> {
    const rows = await repeated(() => this.#signingKeys.find({ order: { sequence: 'ASC' } }));
    return rows.map(toSigningKey);
  }

  async retireSigningKey(sequence: number, at: Date): Promise<boolean> {
    const retired = await repeated(() =>
      this.#signingKeys
        .createQueryBuilder()
        .update()
        .set({ retiredAt: at.getTime() })
        .where('sequence = :sequence AND retired_at IS NULL', { sequence })
        .execute(),
    );
    return retired.affected === 1;
  }

  async resealSigningKey(
    sequence: number,
    { expected, next }: { expected: string; next: string },
  ): Promise<boolean> {
    const resealed = await repeated(() =>
      this.#signingKeys
        .createQueryBuilder()
        .update()
        .set({ sealed: next })
        .where('sequence = :sequence AND sealed = :expected', { sequence, expected })
        .execute(),
    );
    return resealed.affected === 1;
  }

  async deleteSigningKey(sequence: number): Promise<void> {
    await repeated(() => this.#signingKeys.delete({ sequence }));
  }

  async savePeerKeys(keys: StoredPeerKeys): Promise<void> {
    const row = toPeerKeysRow(keys);
    if (await this.#insert(this.#peerKeys, row)) return;
    const { issuerHash, ...columns } = row;
    await repeated(() => this.#peerKeys.update({ issuerHash }, columns));
  }

  async listPeerKeys(): Promise<StoredPeerKeys[]> {
    return (await repeated(() => this.#peerKeys.find())).map(toPeerKeys);
  }

  async deletePeerKeys(issuerHash: string): Promise<void> {
    if (isId(issuerHash)) await repeated(() => this.#peerKeys.delete({ issuerHash }));
  }

  async purgeExpired(before: Date, limit: number): Promise<number> {
    const sessions = await this.#purge(this.#sessions, before, limit);
    return sessions + (await this.#purge(this.#revocations, before, limit));
  }

  /** Only few rows at a time are locked, and none of them is in use any more. */
  async #purge(
    repository: Repository<{ id: string; expiresAt: number }>,
    before: Date,
    limit: number,
  ): Promise<number> {
    const expired = await repeated(() =>
      repository
        .createQueryBuilder('expired')
        .select(['expired.id'])
        .where('expired.expires_at < :before', { before: before.getTime() })
        .take(limit)
        .getMany(),
    );
    if (expired.length === 0) return 0;
    const ids = expired.map(({ id }) => id);
    const deleted = await repeated(() =>
      repository.createQueryBuilder().delete().where('id IN (:...ids)', { ids }).execute(),
    );
    return deleted.affected ?? ids.length;
  }

  /** `false` when a unique column holds that value already; a statement by itself, so nothing else is undone by it. */
  async #insert<Row extends ObjectLiteral>(
    repository: Repository<Row>,
    row: Row,
  ): Promise<boolean> {
    try {
      await repeated(() => repository.createQueryBuilder().insert().values(row).execute());
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  #alive(now: Date): SelectQueryBuilder<ReturnType<typeof toSessionRow>> {
    return this.#sessions
      .createQueryBuilder('session')
      .where('session.revoked_at IS NULL AND session.expires_at > :now', { now: now.getTime() });
  }

  get #sessions() {
    return this.dataSource.getRepository(sessionEntity);
  }

  get #revocations() {
    return this.dataSource.getRepository(revocationEntity);
  }

  get #signingKeys() {
    return this.dataSource.getRepository(signingKeyEntity);
  }

  get #peerKeys() {
    return this.dataSource.getRepository(peerKeysEntity);
  }
}

const COLUMNS: Readonly<Record<string, string>> = {
  subjectHash: 'subject_hash',
  providerSubjectHash: 'provider_subject_hash',
  providerSessionHash: 'provider_session_hash',
};

function columnOf(name: string): string {
  const column = COLUMNS[name];
  if (column === undefined) throw new TypeError('Sessions are not looked for by that');
  return column;
}
