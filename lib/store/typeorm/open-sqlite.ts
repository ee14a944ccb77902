import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DataSource } from 'typeorm';
import { OidcConfigError } from '../../errors/oidc-config.error.js';
import type { BrokerStore } from '../../contract/broker-store.js';
import { migrateBrokerTables } from './broker-migrations.js';
import { codeOf, repeated } from './driver-errors.js';
import { OwnDataSourceStore } from './own-data-source.store.js';

/** How long the driver, which is synchronous, may wait for a lock; longer waits do not block the process. */
const DRIVER_WAIT_MS = 25;

/** What says that a file cannot be written, or is something else; other faults pass by themselves (a full disk, a lock). */
const UNUSABLE =
  /^(EACCES|EPERM|EROFS|ENOENT|EEXIST|ENOTDIR|EISDIR|ELOOP|ENAMETOOLONG|SQLITE_CANTOPEN|SQLITE_READONLY|SQLITE_NOTADB|SQLITE_PERM)/;

/** A SQLite file for nobody else: 0600, in a directory of 0700 where we make it. */
class SqliteFileStore extends OwnDataSourceStore {
  constructor(
    private readonly file: string,
    private readonly onWarning: (warning: string) => void,
  ) {
    const options = { enableWAL: true, timeout: DRIVER_WAIT_MS };
    super({ type: 'better-sqlite3', database: file, ...options }, makeTables);
  }

  /** @throws {@link OidcConfigError} that names a file which cannot be written. */
  override async open(): Promise<void> {
    try {
      prepareFile(this.file, this.onWarning);
      await super.open();
    } catch (error) {
      const code = String(codeOf(error));
      if (!UNUSABLE.test(code)) throw error;
      throw new OidcConfigError(
        `Option "broker.store": the SQLite file ${this.file} cannot be used (${code}). It must be a database, or not exist yet, and ` +
          'the process must be allowed to write it and its directory. Name another file, or mend that.',
      );
    }
  }
}

export function openSqlite(file: string, onWarning: (warning: string) => void): BrokerStore {
  return new SqliteFileStore(file, onWarning);
}

/** SQLite gives `-wal` and `-shm` the mode of the file. */
function prepareFile(file: string, onWarning: (warning: string) => void): void {
  const directory = dirname(file);
  const made = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (made !== undefined) chmodSync(directory, 0o700);
  closeSync(openSync(file, 'a', 0o600));
  const mode = statSync(file).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    onWarning(
      `${file} can be read by other users (mode ${mode.toString(8)}): it holds sessions. chmod 600 it, and its -wal and -shm files`,
    );
  }
}

/** The write lock is taken first, so that of many processes one makes the tables and the others find them. */
async function makeTables(dataSource: DataSource): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    await repeated(() => runner.query('BEGIN IMMEDIATE'));
    try {
      await migrateBrokerTables(runner);
      await runner.query('COMMIT');
    } catch (error) {
      await runner.query('ROLLBACK');
      throw error;
    }
  } finally {
    await runner.release();
  }
}
