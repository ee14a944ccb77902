import type { DataSource, SelectQueryBuilder } from 'typeorm';
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
import { checkSchema } from './check-schema.js';
import { repeated } from './driver-errors.js';
import { peerKeysEntity, sessionEntity, signingKeyEntity } from './entities.js';
import { inserted, upserted } from './insert-row.js';
import { toPeerKeys, toPeerKeysRow, toSigningKey, toSigningKeyRow } from './other-rows.js';
import { toSession, toSessionRow, toStateColumns } from './session-rows.js';
import { SqlRevocations } from './sql-revocations.js';

const MOST_LISTED = 1000;
const FREE_LEASE = '(lease_until IS NULL OR lease_until <= :now)';

/** Anything else could mean something to a collation, or is no id at all. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32,64}$/.test(value);
}

/** The store of broker mode on a DataSource of TypeORM: SQLite, PostgreSQL, MySQL and MariaDB. */
export class SqlBrokerStore extends BrokerStore {
  readonly #revocations: SqlRevocations;

  constructor(protected readonly dataSource: DataSource) {
    super();
    this.#revocations = new SqlRevocations(dataSource);
  }

  override async open(): Promise<void> {
    await checkSchema(this.dataSource);
  }

  createSession(session: BrokerSession): Promise<boolean> {
    return inserted(this.#sessions, toSessionRow(session));
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

  override async touchSession(id: string, use: SessionUse): Promise<boolean> {
    const { cookieHash } = use;
    if (!isId(id) || !isId(cookieHash)) return false;
    const usedAt = use.usedAt.getTime();
    const expiresAt = use.expiresAt.getTime();
    const now = use.now.getTime();
    const touched = await repeated(() =>
      this.#sessions
        .createQueryBuilder()
        .update()
        .set({ usedAt, expiresAt })
        .where('id = :id AND cookie_hash = :cookieHash', { id, cookieHash })
        .andWhere('revoked_at IS NULL AND expires_at > :now AND used_at < :usedAt', { now, usedAt })
        .execute(),
    );
    return touched.affected === 1;
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

  async revokeSession(id: string, ending: SessionEnding): Promise<boolean> {
    const { at, keepUntil, leaseId, endingId } = ending;
    if (![id, leaseId ?? id, endingId ?? id].every(isId)) return false;
    const fence = leaseId === undefined ? '' : ' AND lease_id = :leaseId';
    const again =
      endingId === undefined ? '' : ' OR revoked_at IS NOT NULL AND lease_id = :endingId';
    const revoked = await repeated(() =>
      this.#sessions
        .createQueryBuilder()
        .update()
        .set({
          revokedAt: at.getTime(),
          expiresAt: keepUntil.getTime(),
          sealed: '',
          leaseId: endingId ?? null, // there is no lease any more
          leaseUntil: null,
        })
        .where(`id = :id AND (revoked_at IS NULL${fence}${again})`, { id, leaseId, endingId })
        .execute(),
    );
    return revoked.affected === 1;
  }

  addRevocation(revocation: Revocation): Promise<void> {
    return this.#revocations.add(revocation);
  }

  listRevocations(since: Date, now: Date, limit?: number): Promise<Revocation[]> {
    return this.#revocations.list(since, now, limit);
  }

  insertSigningKey(key: StoredSigningKey): Promise<boolean> {
    return inserted(this.#signingKeys, toSigningKeyRow(key));
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

  async deleteSigningKey(sequence: number, kid?: string): Promise<void> {
    const key = kid === undefined ? { sequence } : { sequence, kid };
    await repeated(() => this.#signingKeys.delete(key));
  }

  async savePeerKeys(keys: StoredPeerKeys): Promise<void> {
    const row = toPeerKeysRow(keys);
    const { issuerHash, ...columns } = row;
    await upserted(this.#peerKeys, row, () => this.#peerKeys.update({ issuerHash }, columns));
  }

  async listPeerKeys(): Promise<StoredPeerKeys[]> {
    return (await repeated(() => this.#peerKeys.find())).map(toPeerKeys);
  }

  async deletePeerKeys(issuerHash: string, fetchedAt?: Date): Promise<void> {
    if (!isId(issuerHash)) return;
    const set =
      fetchedAt === undefined ? { issuerHash } : { issuerHash, fetchedAt: fetchedAt.getTime() };
    await repeated(() => this.#peerKeys.delete(set));
  }

  purgeExpired(before: Date, limit: number): Promise<number> {
    return this.#revocations.purge(before, limit);
  }

  #alive(now: Date): SelectQueryBuilder<ReturnType<typeof toSessionRow>> {
    return this.#sessions
      .createQueryBuilder('session')
      .where('session.revoked_at IS NULL AND session.expires_at > :now', { now: now.getTime() });
  }

  get #sessions() {
    return this.dataSource.getRepository(sessionEntity);
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
