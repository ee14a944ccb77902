import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DataSource } from 'typeorm';
import type { BrokerStore } from '../broker-store.js';
import { CreateOidcBrokerTables1764115200000 } from './create-broker-tables.migration.js';
import { repeated } from './driver-errors.js';
import { OwnDataSourceStore } from './own-data-source.store.js';

/** How long the driver, which is synchronous, may wait for a lock; longer waits do not block the process. */
const DRIVER_WAIT_MS = 25;

/** A SQLite file for nobody else: 0600, in a directory of 0700 where we make it. */
export function openSqlite(file: string, onWarning: (warning: string) => void): BrokerStore {
  return new OwnDataSourceStore(
    { type: 'better-sqlite3', database: file, enableWAL: true, timeout: DRIVER_WAIT_MS },
    makeTables,
    () => prepareFile(file, onWarning),
  );
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
      await new CreateOidcBrokerTables1764115200000().up(runner);
      await runner.query('COMMIT');
    } catch (error) {
      await runner.query('ROLLBACK');
      throw error;
    }
  } finally {
    await runner.release();
  }
}
