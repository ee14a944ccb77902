import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openStoreByUrl } from '../../lib/store/open-store.js';
import {
  CreateOidcBrokerTables1764115200000,
  TypeOrmBrokerStore,
  brokerEntities,
  brokerMigrations,
} from '../../lib/store/typeorm/index.js';
import { NOW, aSession } from '../../lib/testing/store-contract/rows.js';
import { freshDatabase } from './fresh-database.js';
import { required } from './required.js';
import { sqliteMissing } from './sqlite-driver.js';

type Database = { type: 'better-sqlite3'; database: string } | { type: 'postgres'; url: string };

/** Tables as the version before made them, with a session of that version in them. */
async function versionBefore(options: Database): Promise<ReturnType<typeof aSession>> {
  const source = new DataSource({
    ...options,
    entities: [...brokerEntities],
    migrations: [CreateOidcBrokerTables1764115200000],
  });
  await source.initialize();
  await source.runMigrations();
  const session = aSession();
  await new TypeOrmBrokerStore(source).createSession(session);
  await source.query('ALTER TABLE oidc_session DROP COLUMN cookie_hash');
  await source.destroy();
  return session;
}

async function migrated(options: Database): Promise<DataSource> {
  const migrations = [...brokerMigrations];
  const source = new DataSource({ ...options, entities: [...brokerEntities], migrations });
  await source.initialize();
  await source.runMigrations();
  return source;
}

const noSqlite = required('SQLite', sqliteMissing());

describe.skipIf(noSqlite)(`Migrations of SQLite${noSqlite ? ` (${noSqlite})` : ''}`, () => {
  let folder: string;
  const file = () => join(folder, 'broker.db');
  const sqlite = () => ({ type: 'better-sqlite3', database: file() }) as const;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-migrations-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('keep the rows of the version before, on the DataSource of a host', async () => {
    const session = await versionBefore(sqlite());
    const source = await migrated(sqlite());
    const store = new TypeOrmBrokerStore(source);
    await store.open();

    expect(await store.findSession(session.id, NOW)).toEqual(session);
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    expect(upQueries).toEqual([]); // synchronize would change nothing
    await source.undoLastMigration();
    await expect(store.open()).rejects.toThrow(/no column "cookie_hash".*AddOidcBrowserSessions/);
    await source.destroy();
  });

  it('keep the rows of the version before, in a file of our own', async () => {
    const session = await versionBefore(sqlite());
    const opening = { appName: 'test', onWarning: () => undefined };
    const store = await openStoreByUrl(`sqlite://${file()}`, opening);
    await store.open();

    expect(await store.findSession(session.id, NOW)).toEqual(session);
    await store.close();
  });
});

const server = process.env['OIDC_TEST_POSTGRES_URL'];
const noPostgres = required('PostgreSQL', server ? undefined : 'OIDC_TEST_POSTGRES_URL is not set');

describe.skipIf(noPostgres)(
  `Migrations of PostgreSQL${noPostgres ? ` (${noPostgres})` : ''}`,
  () => {
    it('keep the rows of the version before', async () => {
      const { url, drop } = await freshDatabase(server ?? '');
      const session = await versionBefore({ type: 'postgres', url });
      const source = await migrated({ type: 'postgres', url });

      const found = await new TypeOrmBrokerStore(source).findSession(session.id, NOW);

      expect(found).toEqual(session);
      await source.destroy();
      await drop();
    });
  },
);
