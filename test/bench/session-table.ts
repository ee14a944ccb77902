import { DataSource } from 'typeorm';

import { freshDatabase } from '../store/fresh-database.js';
import { Flows, type Held, brokerApplication } from './broker-servers.js';
import { LoadGenerator, type Served } from './served.js';
import { bearer } from './rows/remembered.js';

/** What a session of a login with a small profile takes: text that cannot be compressed, as it is when it is encrypted. */
const SEALED_CHARACTERS = 1500;
const STEP = 250_000;
const LOGINS = 60;
const REFRESHES = 150;
/** To warm up, and what is measured: long enough that the pulls of revocations, every ten seconds, have their share. */
const GUARD_WARM_UP = 5000;
const GUARDED_SEC = 20;

/** Times in milliseconds, of the middle one of many that come one after another; the guard's is processor time. */
export interface Costs {
  readonly login: number;
  readonly refresh: number;
  readonly revocation: number;
  readonly guard: number;
}

/** Rows with numbers from $1 to $2; one in a hundred was revoked within the last fifty minutes. All are of other users than those that log in. */
const ROWS = `
  INSERT INTO oidc_session (id, login_hash, provider, subject_hash, provider_subject_hash, created_at, used_at, ends_at, expires_at,
    generation, refresh_hash, replaced, sealed, revoked_at)
  SELECT md5('id' || n), md5('a' || n) || md5('b' || n), 'default', md5('s' || n % 100000) || md5('t'),
    md5('p' || n % 100000) || md5('q'), now.ms - 3600000, now.ms - 1800000, now.ms + 864000000, now.ms + 86400000 + n % 86400000, 3,
    md5('r' || n) || md5('h'), '[]',
    CASE WHEN n % 100 = 0 THEN '' ELSE repeat(md5('x' || n), ${Math.round(SEALED_CHARACTERS / 32)}) END,
    CASE WHEN n % 100 = 0 THEN now.ms - (n / 100) % 3000 * 1000 END
  FROM generate_series($1::bigint, $2::bigint) n, (SELECT (extract(epoch FROM now()) * 1000)::bigint AS ms) now`;

/** Makes so many rows expire that a purge may take them. */
const EXPIRE = `
  UPDATE oidc_session SET expires_at = $1::bigint WHERE id IN (
    SELECT md5('id' || n) FROM generate_series($2::bigint, $3::bigint) n)`;

/** A table with so many sessions, of which an application serves a few. */
export class SessionTable {
  private constructor(
    readonly sessions: number,
    private readonly application: Awaited<ReturnType<typeof brokerApplication>>,
    private readonly source: DataSource,
  ) {}

  /** @param server PostgreSQL, in which it has a database of its own. */
  static async make(
    server: string,
    sessions: number,
    progress: (text: string) => void,
  ): Promise<SessionTable> {
    const { url } = await freshDatabase(server);
    const application = await brokerApplication(url);
    const first = await application.start(); // makes the tables
    await first.stop();
    const source = await new DataSource({ type: 'postgres', url }).initialize();
    await source.query('ALTER TABLE oidc_session ALTER COLUMN sealed SET STORAGE EXTERNAL');
    for (let from = 1; from <= sessions; from += STEP) {
      await source.query(ROWS, [from, Math.min(sessions, from + STEP - 1)]);
      progress(`${Math.min(sessions, from + STEP - 1)} of ${sessions} rows`);
    }
    await source.query('VACUUM ANALYZE oidc_session');
    await source.query('CHECKPOINT');
    return new SessionTable(sessions, application, source);
  }

  close(): Promise<void> {
    return this.source.destroy();
  }

  /** In a new instance. */
  async costs(): Promise<Costs> {
    return this.#with({}, async (served, flows) => {
      const ports = [served.port];
      const one = { ports, callers: 1 } as const;
      const warm = await flows.run({ ...one, flow: 'login', most: 20 });
      const warmed = await flows.run({ ...one, flow: 'refresh', most: 60, held: warm.held });
      await flows.run({ ...one, flow: 'revoke', most: 20, held: warmed.held });
      const login = await flows.run({ ...one, flow: 'login', most: LOGINS });
      const refresh = await flows.run({
        ...one,
        flow: 'refresh',
        most: REFRESHES,
        held: login.held,
      });
      const guard = await guardCost(served, refresh.held);
      const revocation = await flows.run({
        ...one,
        flow: 'revoke',
        most: LOGINS,
        held: refresh.held,
      });
      return { login: login.p50, refresh: refresh.p50, revocation: revocation.p50, guard };
    });
  }

  /**
   * Lets so many rows expire at once and an instance purge them, while another one refreshes sessions.
   *
   * @returns how many were removed a second, and how often another one was seen to wait more than 50 ms for a lock.
   */
  async purge(
    rows: number,
    seconds: number,
  ): Promise<{ perSecond: number; longWaits: number; p99: number }> {
    const first = this.sessions - rows + 1;
    return this.#with({}, async (served, flows) => {
      const ports = [served.port];
      const { held } = await flows.run({ flow: 'login', ports, callers: 4, most: 50 });
      await this.source.query(EXPIRE, [Date.now() - 3_600_000, first, this.sessions]);
      const broker = { ...Object(this.application.settings['broker']), purgeIntervalSec: 1 };
      const purging = await this.application.start({ broker });
      try {
        const refreshing = flows.run({ flow: 'refresh', ports, callers: 4, seconds, held });
        const watched = await this.#watchPurge(rows, seconds);
        const { p99 } = await refreshing;
        return { ...watched, p99 };
      } finally {
        await purging.stop();
      }
    });
  }

  async #watchPurge(
    rows: number,
    seconds: number,
  ): Promise<{ perSecond: number; longWaits: number }> {
    const untilMs = performance.now() + seconds * 1000;
    let [longWaits, beganAt, left] = [0, Infinity, rows];
    while (left > 0 && performance.now() < untilMs) {
      const waiting = `SELECT count(*)::int AS waits FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND now() - query_start > interval '50 ms'`;
      const [{ waits }] = await this.source.query(waiting);
      longWaits += Number(waits);
      const expired = 'SELECT count(*)::int AS expired FROM oidc_session WHERE expires_at < $1';
      const [{ expired: now }] = await this.source.query(expired, [Date.now() - 3_000_000]);
      if (Number(now) < left && beganAt === Infinity) beganAt = performance.now();
      left = Number(now);
    }
    const removed = rows - left;
    return { perSecond: removed / ((performance.now() - beganAt) / 1000), longWaits };
  }

  async #with<T>(
    more: Readonly<Record<string, unknown>>,
    work: (served: Served, flows: Flows) => Promise<T>,
  ): Promise<T> {
    const served = await this.application.start(more);
    const flows = new Flows();
    try {
      return await work(served, flows);
    } finally {
      await Promise.all([flows.stop(), served.stop()]);
    }
  }
}

/** Processor time of a guarded request with a token that is remembered. */
async function guardCost(served: Served, held: readonly Held[]): Promise<number> {
  const load = new LoadGenerator();
  const requests = held.map(({ access = '' }) => bearer(access));
  const target = { port: served.port, requests, connections: 8 };
  try {
    const [warm] = await load.run([target], GUARD_WARM_UP);
    const wanted = Math.round(GUARDED_SEC * (warm?.perSecond ?? NaN));
    const before = await served.usage();
    const [answered] = await load.run([target], wanted);
    const after = await served.usage();
    if (answered?.statuses['200'] !== answered?.answers) throw new Error('Not always 200');
    return (after.cpuMs - before.cpuMs) / (answered?.answers ?? NaN);
  } finally {
    await load.stop();
  }
}
