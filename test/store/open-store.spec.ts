import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OidcConfigError } from '../../lib/errors/oidc-config.error.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { openStoreByUrl } from '../../lib/store/open-store.js';
import { defaultSqliteFile } from '../../lib/store/sqlite-file.js';
import { NOW, aSession, aSigningKey } from '../../lib/testing/store-contract/rows.js';
import { freshDatabase } from './fresh-database.js';
import { required } from './required.js';
import { sqliteMissing } from './sqlite-driver.js';

const { OIDC_TEST_POSTGRES_URL: postgres, OIDC_TEST_MYSQL_URL: mysql } = process.env;
const quiet = { appName: 'test', onWarning: () => undefined };

const modeOf = async (path: string): Promise<string> =>
  ((await stat(path)).mode & 0o777).toString(8);

/** First starts of many instances, each with connections of its own. */
async function openMany(url: string, count = 20): Promise<BrokerStore[]> {
  const stores = await Promise.all(Array.from({ length: count }, () => openStoreByUrl(url, quiet)));
  await Promise.all(stores.map((store) => store.open()));
  return stores;
}

async function expectOneOfAll(stores: readonly BrokerStore[]): Promise<void> {
  const session = aSession();
  const created = await Promise.all(
    stores.map((store) => store.createSession({ ...aSession(), loginHash: session.loginHash })),
  );
  const inserted = await Promise.all(stores.map((store) => store.insertSigningKey(aSigningKey())));
  expect(created.filter(Boolean)).toHaveLength(1);
  expect(inserted.filter(Boolean)).toHaveLength(1);
  const listed = await Promise.all(stores.map((store) => store.listSigningKeys()));
  expect(new Set(listed.map(([key]) => key?.kid)).size).toBe(1);
}

const fileOn = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv = {}) =>
  defaultSqliteFile('my-app', platform, env).replaceAll('\\', '/');

describe('a store by URL', () => {
  it('has a default file in the data directory of the platform', () => {
    expect(fileOn('linux', { XDG_DATA_HOME: '/data' })).toBe('/data/my-app/broker.db');
    expect(fileOn('linux', { XDG_DATA_HOME: 'relative' })).toMatch(
      /\/\.local\/share\/my-app\/broker\.db$/,
    );
    expect(fileOn('darwin')).toMatch(/\/Library\/Application Support\/my-app\/broker\.db$/);
    expect(fileOn('win32', { LOCALAPPDATA: 'C:/Local' })).toBe('C:/Local/my-app/broker.db');
  });
});

const noSqlite = required('SQLite', sqliteMissing());

describe.skipIf(noSqlite)(`a SQLite file${noSqlite ? ` (${noSqlite})` : ''}`, () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-sqlite-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('ST-6: is readable by nobody else, with what SQLite puts beside it and the directory that was made', async () => {
    const directory = join(folder, 'app');
    const file = join(directory, 'broker.db');
    const store = await openStoreByUrl(`sqlite://${file}`, quiet);
    await store.open();
    await store.createSession(aSession());

    const modes = await Promise.all([file, `${file}-wal`, `${file}-shm`].map(modeOf));

    expect(modes).toEqual(['600', '600', '600']);
    expect(await modeOf(directory)).toBe('700');
    await store.close();
  });

  it('ST-6: warns of a file that others can read, and leaves it as it is', async () => {
    const file = join(folder, 'broker.db');
    const first = await openStoreByUrl(`sqlite://${file}`, quiet);
    await first.open();
    await first.close();
    await chmod(file, 0o644);
    const warnings: string[] = [];

    const store = await openStoreByUrl(`sqlite://${file}`, {
      appName: 'test',
      onWarning: (warning) => warnings.push(warning),
    });
    await store.open();
    await store.close();

    expect(warnings).toEqual([expect.stringContaining('chmod 600')]);
    expect(await modeOf(file)).toBe('644');
  });

  it('KM-1: is made by 20 first starts at once, with one table of each, one key, one session', async () => {
    const stores = await openMany(`sqlite://${join(folder, 'broker.db')}`);

    await expectOneOfAll(stores);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('fault 21: waits for a lock without blocking the process, and fails when it lasts', async () => {
    const file = join(folder, 'broker.db');
    const store = await openStoreByUrl(`sqlite://${file}`, quiet);
    await store.open();
    const other = await new DataSource({ type: 'better-sqlite3', database: file }).initialize();
    await other.query('BEGIN IMMEDIATE');
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);

    const writing = store.createSession(aSession());
    await new Promise((resolve) => setTimeout(resolve, 150));
    await other.query('COMMIT');

    expect(await writing).toBe(true);
    clearInterval(timer);
    expect(longest).toBeLessThan(2000); // 25 ms in the driver, which waits for five seconds by itself
    await other.destroy();
    await store.close();
  });

  it('ST-6: names the migration where a table is of another version', async () => {
    const file = join(folder, 'broker.db');
    const first = await openStoreByUrl(`sqlite://${file}`, quiet);
    await first.open();
    await first.close();
    const source = await new DataSource({ type: 'better-sqlite3', database: file }).initialize();
    await source.query('ALTER TABLE oidc_session DROP COLUMN used_at');
    await source.destroy();
    const store = await openStoreByUrl(`sqlite://${file}`, quiet);

    await expect(store.open()).rejects.toThrow(/no column "used_at".*CreateOidcBrokerTables/);
    await store.close();
  });
});

describe.each([
  ['PostgreSQL', 'OIDC_TEST_POSTGRES_URL', postgres],
  ['MariaDB', 'OIDC_TEST_MYSQL_URL', mysql],
])('a store on %s', (name, variable, server) => {
  const missing = required(name, server ? undefined : `${variable} is not set`);
  const reason = missing ? ` (${missing})` : '';

  it.skipIf(missing)(`KM-1: is made by 20 first starts at once${reason}`, async () => {
    const database = await freshDatabase(server ?? '');

    const stores = await openMany(database.url);

    await expectOneOfAll(stores);
    await Promise.all(stores.map((store) => store.close()));
    await database.drop();
  });

  it.skipIf(missing)(`heals when its database appears after the application${reason}`, async () => {
    const database = await freshDatabase(server ?? '');
    await database.drop();
    const store = await openStoreByUrl(database.url, quiet);

    await expect(store.open()).rejects.not.toThrow(OidcConfigError);
    await database.create();
    await store.open();

    expect(await store.findSession(aSession().id, NOW)).toBeUndefined();
    await store.close();
    await database.drop();
  });
});
