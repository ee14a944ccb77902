import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import { DataSource, QueryFailedError } from 'typeorm';
import { describe, expect, it } from 'vitest';

import { OidcAuthModule, OidcConfigError } from '../../lib/index.js';
import { isUniqueViolation } from '../../lib/store/typeorm/driver-errors.js';
import { TypeOrmBrokerStore } from '../../lib/store/typeorm/index.js';
import { RecordingLogger } from '../support/recording-logger.js';

/** Kinds of databases that TypeORM takes. */
const unknown: readonly string[] = [
  'mssql',
  'oracle',
  'cockroachdb',
  'aurora-mysql',
  'aurora-postgres',
  'sap',
  'spanner',
  'sqljs',
  'expo',
  'mongodb',
];

/** It is not connected, and its driver is not installed: none is needed to see what it is. */
function sourceOf(type: string): DataSource {
  const source: DataSource = Reflect.construct(DataSource, [{ type: 'mssql', driver: {} }]);
  return Object.assign(source, { options: { ...source.options, type } });
}

const start = async (source: DataSource): Promise<INestApplicationContext> => {
  const database = {
    module: class DatabaseModule {},
    global: true,
    providers: [{ provide: getDataSourceToken(), useValue: source }],
    exports: [getDataSourceToken()],
  };
  const oidc = OidcAuthModule.forRoot({
    clientId: 'my-client',
    discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
    audience: 'my-aud',
    publicUrl: 'http://localhost:3000',
    encryptionKeys: ['encryption-key-of-at-least-32-characters'],
    broker: { audience: 'myapp-api', store: TypeOrmBrokerStore },
  });
  return NestFactory.createApplicationContext(
    { module: class HostModule {}, imports: [database, oidc] },
    { logger: new RecordingLogger(), abortOnError: false },
  );
};

describe('a database that TypeORM takes and this module does not know', () => {
  it.each(unknown)('stops start-up: %s', async (type) => {
    const error: unknown = await start(sourceOf(type)).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(OidcConfigError);
    expect(error).toHaveProperty('message', expect.stringContaining(`of the type "${type}"`));
    expect(error).toHaveProperty(
      'message',
      expect.stringContaining('Known: postgres, mysql, mariadb, better-sqlite3, sqlite.'),
    );
  });
});

describe('a value that is taken already', () => {
  it.each<[database: string, code: string, message: string]>([
    ['PostgreSQL, and what speaks its protocol', '23505', 'duplicate key value'],
    ['MySQL and MariaDB', 'ER_DUP_ENTRY', "Duplicate entry 'a' for key 'x'"],
    ['MySQL, with the name of the key', 'ER_DUP_ENTRY_WITH_KEY_NAME', "Duplicate entry 'a'"],
    ['better-sqlite3', 'SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed: a.b'],
    [
      'better-sqlite3, of a primary key',
      'SQLITE_CONSTRAINT_PRIMARYKEY',
      'UNIQUE constraint failed',
    ],
    ['sqlite3', 'SQLITE_CONSTRAINT', 'SQLITE_CONSTRAINT: UNIQUE constraint failed: a.b'],
  ])('is told from every other fault on %s', (_database, code, message) => {
    const failed = (given: object): unknown =>
      new QueryFailedError('INSERT', [], Object.assign(new Error(message), given));

    expect(isUniqueViolation(failed({ code }))).toBe(true);
    for (const other of [{ code: 'SQLITE_BUSY' }, { code: '23502' }, { code: 1062 }, {}]) {
      expect(isUniqueViolation(failed(other))).toBe(false);
    }
  });

  it('is not any other constraint of sqlite3', () => {
    const error = Object.assign(new Error('SQLITE_CONSTRAINT: NOT NULL constraint failed: a.b'), {
      code: 'SQLITE_CONSTRAINT',
    });

    expect(isUniqueViolation(new QueryFailedError('INSERT', [], error))).toBe(false);
  });
});
