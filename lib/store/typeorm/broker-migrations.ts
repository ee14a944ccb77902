import type { QueryRunner } from 'typeorm';
import { AddOidcBrowserSessions1764201600000 } from './add-browser-sessions.migration.js';
import { CreateOidcBrokerTables1764115200000 } from './create-broker-tables.migration.js';

/** All migrations of broker mode, in their order: add them to `migrations` of your DataSource. */
export const brokerMigrations = [
  CreateOidcBrokerTables1764115200000,
  AddOidcBrowserSessions1764201600000,
] as const;

/** Brings the tables of a database of our own to this version; does nothing where they are of it. */
export async function migrateBrokerTables(runner: QueryRunner): Promise<void> {
  for (const Migration of brokerMigrations) await new Migration().up(runner);
}
