import type { DataSource, Repository, SelectQueryBuilder } from 'typeorm';
import type { Revocation } from '../../contract/broker-store.js';
import { repeated } from './driver-errors.js';
import { revocationEntity, sessionEntity } from './entities.js';
import { upserted } from './insert-row.js';
import { type ListedRow, timeOf, toRevocation, toRevocationRow } from './other-rows.js';

/** So many rows are read at once: more would hold up everything else in the process. */
const PAGE = 2000;

/** The later of what a column of times holds and the parameter of its name. */
const later = (column: string): string =>
  `CASE WHEN ${column} < :${column} THEN :${column} ELSE ${column} END`;

/** Revocations of tokens and subjects, which have rows of their own, and of sessions, which are in theirs. */
export class SqlRevocations {
  constructor(private readonly dataSource: DataSource) {}

  async add(revocation: Revocation): Promise<void> {
    const row = toRevocationRow(revocation);
    const { id, revokedAt, expiresAt } = row;
    await upserted(this.#revocations, row, () =>
      this.#revocations
        .createQueryBuilder()
        .update()
        .set({ revokedAt: () => later('revoked_at'), expiresAt: () => later('expires_at') })
        .where('id = :id')
        .setParameters({ id, revoked_at: revokedAt, expires_at: expiresAt })
        .execute(),
    );
  }

  async list(since: Date, now: Date, limit = Infinity): Promise<Revocation[]> {
    const query = (repository: Repository<{ id: string }>) =>
      repository
        .createQueryBuilder('listed')
        .select('listed.id', 'id')
        .addSelect('listed.revoked_at', 'revokedAt')
        .addSelect('listed.expires_at', 'expiresAt')
        .where('listed.revoked_at >= :since AND listed.expires_at > :now', {
          since: since.getTime(),
          now: now.getTime(),
        });
    const sessions = await newest(() => query(this.#sessions), ofSession, limit);
    const others = await newest(() => query(this.#revocations), toRevocation, limit);
    return [...sessions, ...others];
  }

  async purge(before: Date, limit: number): Promise<number> {
    const sessions = await purged(this.#sessions, before, limit);
    return sessions + (await purged(this.#revocations, before, limit));
  }

  get #sessions() {
    return this.dataSource.getRepository(sessionEntity);
  }

  get #revocations() {
    return this.dataSource.getRepository(revocationEntity);
  }
}

function ofSession({ id, revokedAt, expiresAt }: ListedRow): Revocation {
  return { kind: 'session', id, at: timeOf(revokedAt), expiresAt: timeOf(expiresAt) };
}

/** Page after page, the newest first. */
async function newest(
  query: () => SelectQueryBuilder<{ id: string }>,
  read: (row: ListedRow) => Revocation,
  limit: number,
): Promise<Revocation[]> {
  const revocations: Revocation[] = [];
  let last: ListedRow | undefined;
  for (let size = PAGE; size === PAGE && revocations.length < limit;) {
    const page = query().orderBy('listed.revoked_at', 'DESC').addOrderBy('listed.id', 'DESC');
    if (last !== undefined) {
      page.andWhere('listed.revoked_at <= :at AND (listed.revoked_at < :at OR listed.id < :id)', {
        at: Number(last.revokedAt),
        id: last.id,
      });
    }
    const found = await repeated(() =>
      page.limit(Math.min(PAGE, limit - revocations.length)).getRawMany<ListedRow>(),
    );
    size = found.length;
    for (const row of found) revocations.push(read(row));
    last = found.at(-1);
  }
  return revocations;
}

/** Only few rows at a time are locked. What was renewed or revoked since it was looked at stays. */
async function purged(
  repository: Repository<{ id: string; expiresAt: number }>,
  before: Date,
  limit: number,
): Promise<number> {
  const end = { before: before.getTime() };
  const expired = await repeated(() =>
    repository
      .createQueryBuilder('expired')
      .select(['expired.id'])
      .where('expired.expires_at < :before', end)
      .take(limit)
      .getMany(),
  );
  if (expired.length === 0) return 0;
  const ids = expired.map(({ id }) => id);
  const deleted = await repeated(() =>
    repository
      .createQueryBuilder()
      .delete()
      .where('id IN (:...ids) AND expires_at < :before', { ids, ...end })
      .execute(),
  );
  return deleted.affected ?? ids.length;
}
