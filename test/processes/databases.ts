import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createConnection } from 'mongoose';
import { DataSource } from 'typeorm';

import { freshDatabase } from '../store/fresh-database.js';
import { required } from '../store/required.js';
import { sqliteMissing } from '../store/sqlite-driver.js';

/** A database that several processes share in one test. */
export interface SharedDatabase {
  readonly url: string;
  /** All that it holds, as text: rows and documents, every column. */
  dump(): Promise<string>;
  remove(): Promise<void>;
}

export interface DatabaseKind {
  readonly name: string;
  readonly missing: string | undefined;
  readonly make: () => Promise<SharedDatabase>;
}

const TABLES = ['oidc_session', 'oidc_revocation', 'oidc_signing_key', 'oidc_peer_keys'];
const COLLECTIONS = ['oidc_sessions', 'oidc_revocations', 'oidc_signing_keys', 'oidc_peer_keys'];

async function dumpSql(options: ConstructorParameters<typeof DataSource>[0]): Promise<string> {
  const source = await new DataSource(options).initialize();
  try {
    const rows: unknown[] = [];
    for (const table of TABLES) rows.push(await source.query(`SELECT * FROM ${table}`));
    return JSON.stringify(rows);
  } finally {
    await source.destroy();
  }
}

async function dumpMongo(url: string): Promise<string> {
  const connection = await createConnection(url).asPromise();
  try {
    const documents: unknown[] = [];
    for (const name of COLLECTIONS) {
      documents.push(await connection.db?.collection(name).find().toArray());
    }
    return JSON.stringify(documents);
  } finally {
    await connection.close();
  }
}

const { OIDC_TEST_POSTGRES_URL, OIDC_TEST_MYSQL_URL, OIDC_TEST_MONGODB_URL } = process.env;
const unset = (name: string, variable: string, value: string | undefined): string | undefined =>
  required(name, value === undefined ? `${variable} is not set` : undefined);

export const databaseKinds: readonly DatabaseKind[] = [
  {
    name: 'SQLite',
    missing: required('SQLite', sqliteMissing()),
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'oidc-processes-'));
      const database = join(folder, 'broker.db');
      return {
        url: `sqlite://${database}`,
        dump: () => dumpSql({ type: 'better-sqlite3', database }),
        remove: () => rm(folder, { recursive: true }),
      };
    },
  },
  {
    name: 'PostgreSQL',
    missing: unset('PostgreSQL', 'OIDC_TEST_POSTGRES_URL', OIDC_TEST_POSTGRES_URL),
    make: async () => {
      const { url, drop } = await freshDatabase(OIDC_TEST_POSTGRES_URL ?? '');
      return { url, dump: () => dumpSql({ type: 'postgres', url }), remove: drop };
    },
  },
  {
    name: 'MariaDB',
    missing: unset('MariaDB', 'OIDC_TEST_MYSQL_URL', OIDC_TEST_MYSQL_URL),
    make: async () => {
      const { url, drop } = await freshDatabase(OIDC_TEST_MYSQL_URL ?? '');
      return { url, dump: () => dumpSql({ type: 'mysql', url }), remove: drop };
    },
  },
  {
    name: 'MongoDB',
    missing: unset('MongoDB', 'OIDC_TEST_MONGODB_URL', OIDC_TEST_MONGODB_URL),
    make: async () => {
      const url = new URL(OIDC_TEST_MONGODB_URL ?? '');
      url.pathname = `/oidc_test_${randomBytes(6).toString('hex')}`;
      return { url: url.href, dump: () => dumpMongo(url.href), remove: async () => undefined };
    },
  },
];
