import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OidcConfigError } from '../../lib/errors/oidc-config.error.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { openStoreByUrl } from '../../lib/store/open-store.js';
import { sqliteFileOf } from '../../lib/store/sqlite-file.js';
import { aSession } from '../../lib/testing/store-contract/rows.js';
import { required } from './required.js';
import { sqliteMissing } from './sqlite-driver.js';

const quiet = { appName: 'test', onWarning: () => undefined };
const noSqlite = required('SQLite', sqliteMissing());

async function refusalOf(url: string): Promise<string> {
  const error = await openStoreByUrl(url, quiet)
    .then((store) => store.open())
    .catch((reason: unknown) => reason);
  return error instanceof OidcConfigError ? error.message : `no refusal: ${String(error)}`;
}

/** What the database of a store that was not opened yet is. */
async function optionsOf(url: string): Promise<object> {
  const source: unknown = Reflect.get(await openStoreByUrl(url, quiet), 'dataSource');
  return source instanceof DataSource ? source.options : {};
}

const relative = resolve('x.db');

/** Spellings of paths, and the files that a person means by them. */
const files: [url: string, file: string][] = [
  ['sqlite:///var/lib/app/x.db', '/var/lib/app/x.db'],
  ['sqlite:////var/lib/app/x.db', '/var/lib/app/x.db'],
  ['sqlite:////not/there/yet/x.db', '/not/there/yet/x.db'],
  ['sqlite:////x.db', '/x.db'],
  ['sqlite:/var/lib/x.db', '/var/lib/x.db'],
  ['sqlite:///./x.db', relative],
  ['sqlite://./x.db', relative],
  ['sqlite:./x.db', relative],
  ['sqlite:////./x.db', relative],
  ['sqlite:///./data/x.db', resolve('data/x.db')],
  ['sqlite:///../x.db', resolve('../x.db')],
  ['sqlite:///~/x.db', join(homedir(), 'x.db')],
  ['sqlite://~/data/x.db', join(homedir(), 'data/x.db')],
  ['sqlite:///C:/app/x.db', 'C:/app/x.db'],
  ['sqlite:///var/my%20app/x.db', '/var/my app/x.db'],
  ['sqlite:///var/50%25/x.db', '/var/50%/x.db'],
  ['sqlite+aiosqlite:///var/x.db', '/var/x.db'],
  ['sqlite+pysqlite:////var/x.db', '/var/x.db'],
];

/** Paths that may mean two things, or none. */
const unclear: [url: string, says: string][] = [
  ['sqlite:///relative.db', 'in the root directory'],
  ['sqlite:///not-there-at-all/x.db', 'there is no directory /not-there-at-all'],
  ['sqlite+aiosqlite:///not-there-at-all/x.db', 'there is no directory /not-there-at-all'],
  ['sqlite:///~bob/x.db', 'there is no directory /~bob'],
  ['sqlite:///~', 'in the root directory'],
  ['sqlite://relative.db', 'without an absolute path'],
  ['sqlite://data/relative.db', 'without an absolute path'],
  ['sqlite:relative.db', 'without an absolute path'],
  ['sqlite:///', 'without a file'],
  ['sqlite://', 'without a file'],
  ['sqlite:', 'without a file'],
  ['sqlite:///:memory:', 'memory://'],
  ['sqlite::memory:', 'memory://'],
  ['sqlite:///var/x.db?mode=ro', 'takes no options'],
  ['sqlite:///var/x.db#a', 'takes no options'],
  ['sqlite:///var/100%/x.db', '%25'],
];

/** Schemes as SQLAlchemy and others write them. */
const drivers: [scheme: string, type: string][] = [
  ['postgres', 'postgres'],
  ['postgresql', 'postgres'],
  ['postgresql+asyncpg', 'postgres'],
  ['postgresql+psycopg2', 'postgres'],
  ['postgres+psycopg', 'postgres'],
  ['POSTGRESQL', 'postgres'],
  ['mysql', 'mysql'],
  ['mysql+aiomysql', 'mysql'],
  ['mysql+pymysql', 'mysql'],
  ['mysql+mysql-connector', 'mysql'],
  ['mariadb', 'mariadb'],
  ['mariadb+asyncmy', 'mariadb'],
];

describe('a store URL', () => {
  it.each(files)('%s is the file %s', (url, file) => {
    expect(sqliteFileOf(url)).toBe(file);
  });

  it.each(unclear)(
    '%s stops start-up, says what to write and leaves nothing',
    async (url, says) => {
      const refusal = await refusalOf(url);

      expect(refusal).toMatch(/^Option "broker\.store" is a sqlite URL /);
      expect(refusal).toContain(says);
      expect(existsSync('/relative.db')).toBe(false);
      expect(existsSync('/not-there-at-all')).toBe(false);
    },
  );

  it('tells each way to write a path that may mean two things', async () => {
    const refusal = await refusalOf('sqlite:///relative.db');

    for (const spelling of [
      'sqlite:///./relative.db',
      'sqlite:///~/relative.db',
      'sqlite:////relative.db',
    ]) {
      expect(refusal).toContain(spelling);
    }
    expect(refusal).toContain(process.cwd());
  });

  it.each(drivers)('%s://… is a database of the type %s', async (scheme, type) => {
    const options = await optionsOf(` ${scheme}://app:pw@db.example.org/name\n`);

    expect(options).toMatchObject({ type, url: `${type}://app:pw@db.example.org/name` });
  });

  it('memory:// keeps everything in this process', async () => {
    expect(await openStoreByUrl('memory://', quiet)).toBeInstanceOf(MemoryBrokerStore);
    expect(await openStoreByUrl('MEMORY://', quiet)).toBeInstanceOf(MemoryBrokerStore);
  });

  it.each([
    ['redis://app:hunter2@localhost', 'unknown kind "redis". Known: memory://'],
    ['postgress://app:hunter2@localhost/x', 'unknown kind "postgress"; did you mean "postgres"?'],
    ['mongo://app:hunter2@localhost/x', 'unknown kind "mongo"'],
    ['oracle+cx_oracle://app:hunter2@localhost/x', 'unknown kind "oracle"'],
    ['/var/lib/x.db', 'is no URL'],
    ['hunter2', 'is no URL'],
    ['postgres://app:hun/ter2@localhost/x', 'cannot be read'],
    ['postgres://app:1/hunter2@localhost/x', 'cannot be read'],
    ['postgres://app:hunter2#1@localhost/x', 'cannot be read'],
    ['postgres://app:1#hunter2@localhost/x', 'cannot be read'],
    ['postgres://app:hunter2?@localhost/x', 'cannot be read'],
    ['postgres://app:hunter2%@localhost/x', 'cannot be read'],
    ['postgres://app:hunter2@localhost:99999/x', 'cannot be read'],
    ['mysql+aiomysql://app:hunter2%zz@localhost/x', 'cannot be read'],
    ['mysql://app:hunter2@localhost', 'mysql URL without the name of a database'],
    ['mysql://app:hunter2@localhost/', 'mysql URL without the name of a database'],
    ['mariadb://app:hunter2@localhost?charset=utf8', 'mariadb URL without the name'],
    ['mongodb://app:hunter2@localhost', 'mongodb URL without the name of a database'],
    ['mongodb://app:hunter2@localhost/', 'mongodb URL without the name of a database'],
    ['mongodb://app:hunter2@localhost/?authSource=admin', 'mongodb URL without the name'],
    ['mongodb://app:hunter2@one.example,two.example:27018/?replicaSet=r', 'mongodb URL without'],
    ['mongodb+srv://app:hunter2@cluster.example.org', 'mongodb URL without the name'],
    ['mongodb+motor://app:hunter2@localhost', 'mongodb URL without the name'],
  ])('%s stops start-up, and is not shown', async (url, says) => {
    const refusal = await refusalOf(url);

    expect(refusal).toContain(says);
    expect(refusal).not.toContain('hunter2');
  });

  it.each([
    'postgres://app@localhost',
    'postgres://app@/x?host=/var/run/postgresql',
    'postgres:///x?host=/var/run/postgresql',
    'postgres://app:p%40ss%2Fword@[::1]:5433/x?sslmode=require',
    'mysql://app:p%23@localhost:3307/x?ssl=true',
    'mongodb://one.example,two.example:27018/x?replicaSet=r',
    'mongodb+srv://app:p%40ss@cluster.example.org/x',
  ])('%s can be read', async (url) => {
    const store = await openStoreByUrl(url, quiet);

    await store.close();
    expect(store).toBeInstanceOf(Object);
  });
});

describe.skipIf(noSqlite)(
  `a SQLite file${noSqlite ? ` (${noSqlite})` : ''} that cannot be used`,
  () => {
    let folder: string;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'oidc-unusable-'));
      await writeFile(join(folder, 'a-file'), 'this is no database, and never was one');
      await mkdir(join(folder, 'a-folder'));
    });

    afterEach(() => rm(folder, { recursive: true }));

    it.each([
      ['a directory', 'a-folder', 'EISDIR'],
      ['below what is no directory', 'a-file/x.db', 'EEXIST'],
      ['deep below what is no directory', 'a-file/b/c/x.db', 'ENOTDIR'],
      ['something else than a database', 'a-file', 'SQLITE_NOTADB'],
      ['with a name that is too long', `${'x'.repeat(300)}.db`, 'ENAMETOOLONG'],
    ])('stops start-up and is named: %s', async (_what, name, code) => {
      const refusal = await refusalOf(`sqlite://${folder}/${name}`);

      expect(refusal).toContain(`the SQLite file ${folder}/${name} cannot be used (${code})`);
    });

    it('is made where only its directory is missing', async () => {
      const store = await openStoreByUrl(`sqlite://${folder}/b/c/x.db`, quiet);

      await store.open();

      expect(await store.createSession(aSession())).toBe(true);
      await store.close();
    });
  },
);
