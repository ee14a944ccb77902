import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';
import { OidcConfigError } from '../../errors/oidc-config.error.js';
import { brokerEntities } from './entities.js';

/**
 * Makes the tables of broker mode, with the DataSource's `entityPrefix` and `schema`. The DataSource must list
 * `brokerEntities` in `entities`, as the application's does.
 */
export class CreateOidcBrokerTables1764115200000 implements MigrationInterface {
  readonly name = 'CreateOidcBrokerTables1764115200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of tablesOf(runner)) await runner.createTable(table, true, false, true);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of tablesOf(runner)) await runner.dropTable(table, true, false, true);
  }
}

/** The tables as this DataSource names them: what `synchronize` would make, so that neither finds a difference to the other. */
function tablesOf(runner: QueryRunner): Table[] {
  return brokerEntities.map((entity) => tableOf(runner, entity));
}

/** One of them. @throws {@link OidcConfigError} where the DataSource does not know the entity. */
export function tableOf(
  { connection }: QueryRunner,
  entity: (typeof brokerEntities)[number],
): Table {
  if (!connection.hasMetadata(entity)) {
    throw new OidcConfigError(
      `The DataSource of this migration does not know the entity ${entity.options.name}. Add the entities of ` +
        'nestjs-oidc-auth/typeorm to it: entities: [...brokerEntities, …].',
    );
  }
  return Table.create(connection.getMetadata(entity), connection.driver);
}
