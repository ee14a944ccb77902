import { brokerEntities, brokerMigrations } from 'nestjs-oidc-auth/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';

import { CreateNotes1764000000000 } from './create-notes.migration.js';
import { noteEntity } from './note.entity.js';
import { settingsFrom } from './settings.js';

/** One description of the database, for the application and for TypeORM's command line. */
export function databaseOptions(databaseUrl: string): DataSourceOptions {
  const shared = {
    entities: [noteEntity, ...brokerEntities],
    migrations: [CreateNotes1764000000000, ...brokerMigrations],
    synchronize: false,
  };
  return databaseUrl.startsWith('postgres')
    ? { ...shared, type: 'postgres', url: databaseUrl }
    : { ...shared, type: 'better-sqlite3', database: databaseUrl, enableWAL: true };
}

/** For `typeorm migration:run -d dist/data-source.js`. */
export default new DataSource(databaseOptions(settingsFrom(process.env).databaseUrl));
