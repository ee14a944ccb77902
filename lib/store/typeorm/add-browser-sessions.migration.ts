import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tableOf } from './create-broker-tables.migration.js';
import { sessionEntity } from './entities.js';

const COLUMN = 'cookie_hash';

/**
 * Adds what sessions of browsers need to the tables of a version before. The rows that are there stay as they are, and instances of that version
 * go on working beside those of this one. Tables that have it already are left alone.
 */
export class AddOidcBrowserSessions1764201600000 implements MigrationInterface {
  readonly name = 'AddOidcBrowserSessions1764201600000';

  async up(runner: QueryRunner): Promise<void> {
    const { name } = tableOf(runner, sessionEntity);
    if (await runner.hasColumn(name, COLUMN)) return;
    await runner.query(`ALTER TABLE ${escaped(runner, name)} ADD COLUMN ${COLUMN} varchar(64)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const { name } = tableOf(runner, sessionEntity);
    await runner.query(`ALTER TABLE ${escaped(runner, name)} DROP COLUMN ${COLUMN}`);
  }
}

/** A table's path, schema included, as a statement of this database has it. */
function escaped({ connection }: QueryRunner, path: string): string {
  return path
    .split('.')
    .map((part) => connection.driver.escape(part))
    .join('.');
}
