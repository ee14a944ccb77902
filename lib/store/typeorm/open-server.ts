import type { DataSource, QueryRunner } from 'typeorm';
import type { BrokerStore } from '../../contract/broker-store.js';
import { migrateBrokerTables } from './broker-migrations.js';
import { parseUrl } from '../../options/url-rules.js';
import { databaseMissing, unreadable } from '../store-errors.js';
import { OwnDataSourceStore } from './own-data-source.store.js';

const CONNECT_TIMEOUT_MS = 5000;
/** Names the lock under which tables are made; any number does. */
const LOCK = 764_115_200;
const LOCK_WAIT_SEC = 30;

/** Whether both TypeORM and the driver will find in it what its writer meant. */
function isReadable(url: string): boolean {
  const parsed = parseUrl(url.replace('@/', '@localhost/')); // PostgreSQL takes a socket's directory behind "?host="
  if (parsed === undefined) return false;
  const { pathname, search, hash } = parsed;
  if (/@/.test(pathname + search + hash)) return false; // the end of a password
  return !/%(?![0-9a-f]{2})/i.test(url);
}

/**
 * A database server, on a pool of connections of our own.
 *
 * @throws {@link OidcConfigError} for a URL that cannot be read, or names no database where the server has no default.
 */
export function openServer(kind: 'postgres' | 'mysql' | 'mariadb', url: string): BrokerStore {
  if (!isReadable(url)) throw unreadable(kind);
  if (kind !== 'postgres' && new URL(url).pathname.length < 2) throw databaseMissing(kind);
  return kind === 'postgres'
    ? new OwnDataSourceStore(
        { type: 'postgres', url, connectTimeoutMS: CONNECT_TIMEOUT_MS, logNotifications: false },
        (dataSource) => withRunner(dataSource, makeOnPostgres),
      )
    : new OwnDataSourceStore(
        { type: kind, url, connectTimeout: CONNECT_TIMEOUT_MS, charset: 'utf8mb4_bin' },
        (dataSource) => withRunner(dataSource, makeOnMysql),
      );
}

async function withRunner(
  dataSource: DataSource,
  work: (runner: QueryRunner) => Promise<void>,
): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await work(runner);
  } finally {
    await runner.release();
  }
}

/** The lock ends with the transaction, so it also holds through a transaction-pooling proxy. */
async function makeOnPostgres(runner: QueryRunner): Promise<void> {
  await runner.startTransaction();
  try {
    await runner.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await migrateBrokerTables(runner);
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction();
    throw error;
  }
}

/** Statements that make tables commit by themselves here; the lock belongs to the connection. */
async function makeOnMysql(runner: QueryRunner): Promise<void> {
  const name = `nestjs-oidc-auth ${LOCK}`;
  await runner.query('SELECT GET_LOCK(?, ?)', [name, LOCK_WAIT_SEC]);
  try {
    await migrateBrokerTables(runner);
  } finally {
    await runner.query('SELECT RELEASE_LOCK(?)', [name]);
  }
}
