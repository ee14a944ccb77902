import { setTimeout as sleep } from 'node:timers/promises';
import { QueryFailedError } from 'typeorm';

const UNIQUE_VIOLATION: ReadonlySet<unknown> = new Set([
  '23505', // PostgreSQL
  'ER_DUP_ENTRY', // MySQL, MariaDB
  'ER_DUP_ENTRY_WITH_KEY_NAME',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
]);

/** The statement was rolled back and may be repeated as it was: deadlocks, serialisation failures, a locked SQLite file. */
const REPEATABLE: ReadonlySet<unknown> = new Set([
  '40001',
  '40P01',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_LOCKED',
]);

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;
const PATIENCE_MS = 5000;

/** The code of a driver or of Node, also behind what TypeORM makes of it. */
export function codeOf(error: unknown): unknown {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}

export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error);
  if (UNIQUE_VIOLATION.has(code)) return true;
  // The package sqlite3 has one code for all constraints.
  return (
    code === 'SQLITE_CONSTRAINT' &&
    error instanceof Error &&
    error.message.includes('UNIQUE constraint failed')
  );
}

/** Repeats a single statement while the database says that it was only in the way of another one. */
export async function repeated<T>(statement: () => Promise<T>): Promise<T> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let waitedMs = 0; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await statement();
    } catch (error) {
      if (!REPEATABLE.has(codeOf(error)) || waitedMs >= PATIENCE_MS) throw error;
    }
    const jitteredMs = pauseMs * (0.5 + Math.random());
    await sleep(jitteredMs);
    waitedMs += jitteredMs;
  }
}
