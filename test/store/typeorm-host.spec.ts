import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type INestApplicationContext, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule, getDataSourceToken } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { type BrokerOptions, OidcAuthModule, OidcService } from '../../lib/index.js';
import {
  TypeOrmBrokerStore,
  brokerEntities,
  brokerMigrations,
} from '../../lib/store/typeorm/index.js';
import { capturedLogs } from '../support/output-capture.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { freshDatabase } from './fresh-database.js';
import { required } from './required.js';
import { sqliteMissing } from './sqlite-driver.js';

const missing = required('SQLite', sqliteMissing());

const oidc = (store: BrokerOptions['store']) =>
  OidcAuthModule.forRoot({
    clientId: 'my-client',
    discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
    audience: 'my-aud',
    publicUrl: 'http://localhost:3000',
    encryptionKeys: ['encryption-key-of-at-least-32-characters'],
    broker: { audience: 'myapp-api', ...(store === undefined ? {} : { store }) },
  });

/** Makes the tables as a host does that runs its migrations itself. */
async function migrate(options: DataSourceOptions): Promise<void> {
  const migrations = [...brokerMigrations];
  const source = new DataSource({ ...options, migrations, entities: [...brokerEntities] });
  await source.initialize();
  await source.runMigrations();
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]); // synchronize would change nothing
  await source.destroy();
}

async function works(context: INestApplicationContext): Promise<void> {
  const { keys } = await context.get(OidcService).jwks();
  expect(keys).toHaveLength(1);
  expect(await context.get(OidcService).listSessions('nobody')).toEqual([]);
}

describe.skipIf(missing)(`TypeORM of the host${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let app: INestApplicationContext | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-host-db-'));
    app = undefined;
  });

  afterEach(async () => {
    await app?.close();
    await rm(folder, { recursive: true });
  });

  const sqlite = (options: object = {}) =>
    ({ type: 'better-sqlite3', database: join(folder, 'host.db'), ...options }) as const;

  async function start(imports: ModuleMetadata['imports']): Promise<INestApplicationContext> {
    @Module({ imports: imports ?? [] })
    class HostModule {}
    app = await NestFactory.createApplicationContext(HostModule, {
      logger: new RecordingLogger(),
      abortOnError: false,
    });
    return app;
  }

  async function startUpError(imports: ModuleMetadata['imports']): Promise<string> {
    const error = await start(imports).then(
      () => new Error('started'),
      (reason: unknown) => reason,
    );
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }

  it('is used through the default DataSource, with autoLoadEntities and nothing else', async () => {
    const database = TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, synchronize: true }));

    await works(await start([database, oidc(TypeOrmBrokerStore)]));
  });

  it('is used through a named DataSource, beside a default one that knows nothing of it', async () => {
    const context = await start([
      TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:' }),
      TypeOrmModule.forRoot(
        sqlite({ name: 'sessions', autoLoadEntities: true, synchronize: true }),
      ),
      oidc(TypeOrmBrokerStore.on({ dataSource: 'sessions' })),
    ]);

    await works(context);
    const other: DataSource = context.get(getDataSourceToken(), { strict: false });
    expect(other.entityMetadatas).toEqual([]);
  });

  it('works on migrated tables, with a prefix, and leaves the DataSource open when it closes', async () => {
    await migrate(sqlite({ entityPrefix: 'my_' }));
    const own = new DataSource({
      ...sqlite({ entityPrefix: 'my_' }),
      entities: [...brokerEntities],
    });
    await own.initialize();

    await works(await start([oidc(new TypeOrmBrokerStore(own))]));
    await app?.close();
    app = undefined;

    expect(own.isInitialized).toBe(true);
    const tables: { name: string }[] = await own.query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'my_%' ORDER BY name",
    );
    expect(tables.map(({ name }) => name)).toEqual([
      'my_oidc_peer_keys',
      'my_oidc_revocation',
      'my_oidc_session',
      'my_oidc_signing_key',
    ]);
    await own.destroy();
  });

  it('takes a store that only the factory of forRootAsync names', async () => {
    const context = await start([
      TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, synchronize: true })),
      TypeOrmModule.forFeature([...brokerEntities]),
      OidcAuthModule.forRootAsync({
        useFactory: () => ({
          clientId: 'my-client',
          discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
          audience: 'my-aud',
          publicUrl: 'http://localhost:3000',
          encryptionKeys: ['encryption-key-of-at-least-32-characters'],
          broker: { audience: 'myapp-api', store: TypeOrmBrokerStore },
        }),
      }),
    ]);

    await works(context);
  });

  it('takes a store that stands beside the factory', async () => {
    const context = await start([
      TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, synchronize: true })),
      OidcAuthModule.forRootAsync({
        store: TypeOrmBrokerStore,
        useFactory: () => ({
          clientId: 'my-client',
          discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
          audience: 'my-aud',
          publicUrl: 'http://localhost:3000',
          encryptionKeys: ['encryption-key-of-at-least-32-characters'],
          broker: { audience: 'myapp-api' },
        }),
      }),
    ]);

    await works(context);
  });

  it('ST-6: stops start-up and names the migration where tables are missing', async () => {
    const database = TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, retryAttempts: 0 }));

    const error = await startUpError([database, oidc(TypeOrmBrokerStore)]);

    expect(error).toMatch(/^OidcConfigError: The table "oidc_session" .* does not exist/);
    expect(error).toContain('CreateOidcBrokerTables');
  });

  it('lets a diagnosis say that tables are missing, and changes nothing', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('exited');
    });
    vi.stubEnv('OIDC_DOCTOR', '1');
    onTestFinished(() => {
      exit.mockRestore();
      vi.unstubAllEnvs();
    });
    const before = capturedLogs().length;
    const database = TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, retryAttempts: 0 }));

    expect(await startUpError([database, oidc(TypeOrmBrokerStore)])).toBe('Error: exited');

    const text = capturedLogs().slice(before).join('\n');
    expect(text).toContain('error store-unusable: store: The table "oidc_session"');
    expect(text).toContain('error provider-unreachable: provider default:');
    expect(exit).toHaveBeenCalledWith(1);
  });

  it('ST-6: stops start-up and names the column where a table is of another version', async () => {
    await migrate(sqlite());
    const source = new DataSource(sqlite());
    await source.initialize();
    await source.query('ALTER TABLE oidc_session DROP COLUMN used_at');
    await source.destroy();
    const database = TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, retryAttempts: 0 }));

    const error = await startUpError([database, oidc(TypeOrmBrokerStore)]);

    expect(error).toContain('has no column "used_at"');
    expect(error).toContain('CreateOidcBrokerTables');
  });

  it('stops start-up and says what to add where the DataSource does not know the entities', async () => {
    const database = TypeOrmModule.forRoot(sqlite({ retryAttempts: 0 }));

    const error = await startUpError([database, oidc(TypeOrmBrokerStore)]);

    expect(error).toMatch(/^OidcConfigError: .*entities: \[\.\.\.brokerEntities/);
    expect(error).toContain('autoLoadEntities');
  });

  it('stops start-up where there is no such DataSource', async () => {
    const named = TypeOrmBrokerStore.on({ dataSource: 'sessions' });
    const fromFactory = OidcAuthModule.forRootAsync({
      useFactory: () => ({
        clientId: 'my-client',
        discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
        audience: 'my-aud',
        publicUrl: 'http://localhost:3000',
        broker: { audience: 'myapp-api', store: named },
      }),
    });

    for (const registered of [oidc(named), fromFactory]) {
      const error = await startUpError([registered]);
      expect(error).toMatch(/^OidcConfigError: .*no DataSource "sessions".*name: 'sessions'/);
    }
    const error = await startUpError([oidc(TypeOrmBrokerStore)]);
    expect(error).toMatch(/^OidcConfigError: .*no default DataSource.*TypeOrmModule\.forRoot/);
  });

  it('KM-5: stops start-up where nobody could read the store after a restart', async () => {
    const error = await startUpError([
      TypeOrmModule.forRoot(sqlite({ autoLoadEntities: true, synchronize: true })),
      OidcAuthModule.forRoot({
        clientId: 'my-client',
        discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
        audience: 'my-aud',
        publicUrl: 'http://localhost:3000',
        broker: { audience: 'myapp-api', store: TypeOrmBrokerStore },
      }),
    ]);

    expect(error).toMatch(/^OidcConfigError: Option "encryptionKeys" is missing/);
  });
});

const postgres = process.env['OIDC_TEST_POSTGRES_URL'];
const noPostgres = required(
  'PostgreSQL',
  postgres ? undefined : 'OIDC_TEST_POSTGRES_URL is not set',
);

describe.skipIf(noPostgres)(
  `TypeORM of the host on PostgreSQL${noPostgres ? ` (${noPostgres})` : ''}`,
  () => {
    it('honours the schema and the prefix of the DataSource, in migration and entities', async () => {
      const { url, drop } = await freshDatabase(postgres ?? '');
      const source = new DataSource({
        type: 'postgres',
        url,
        schema: 'auth',
        entityPrefix: 'my_',
        entities: [...brokerEntities],
        migrations: [...brokerMigrations],
      });
      await source.initialize();
      await source.query('CREATE SCHEMA auth');
      await source.runMigrations();

      const store = new TypeOrmBrokerStore(source);
      await store.open();

      expect(await store.listSigningKeys()).toEqual([]);
      const { upQueries } = await source.driver.createSchemaBuilder().log();
      expect(upQueries.map(({ query }) => query)).toEqual([]);
      const rows: { table_schema: string; table_name: string }[] = await source.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name LIKE 'my_oidc%'",
      );
      expect(rows).toHaveLength(4);
      expect(rows.every(({ table_schema }) => table_schema === 'auth')).toBe(true);
      await source.destroy();
      await drop();
    });
  },
);

const mysql = process.env['OIDC_TEST_MYSQL_URL'];
const noMysql = required('MariaDB', mysql ? undefined : 'OIDC_TEST_MYSQL_URL is not set');

describe.skipIf(noMysql)(`TypeORM of the host on MariaDB${noMysql ? ` (${noMysql})` : ''}`, () => {
  it.each(['mysql', 'mariadb'] as const)('migrates with the driver %s', async (type) => {
    const { url, drop } = await freshDatabase(mysql ?? '');
    const migrations = [...brokerMigrations];
    const source = new DataSource({ type, url, entities: [...brokerEntities], migrations });
    await source.initialize();
    await source.runMigrations();

    await new TypeOrmBrokerStore(source).open();

    // The driver for MySQL takes how MariaDB writes the default NULL for a difference.
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    if (type === 'mariadb') expect(upQueries.map(({ query }) => query)).toEqual([]);
    await source.destroy();
    await drop();
  });
});
