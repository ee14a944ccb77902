import type { DataSource } from 'typeorm';
import { OidcConfigError } from '../../errors/oidc-config.error.js';
import { brokerEntities } from './entities.js';

const HOW =
  'Run the migration CreateOidcBrokerTables of nestjs-oidc-auth/typeorm (list it in "migrations" and run `typeorm migration:run`), ' +
  'or set "synchronize: true" where you develop.';

/**
 * Looks whether a DataSource knows the entities and its database has their tables. Changes nothing.
 *
 * @throws {@link OidcConfigError} that says what is missing and how to add it.
 */
export async function checkSchema(dataSource: DataSource): Promise<void> {
  for (const entity of brokerEntities) {
    if (dataSource.hasMetadata(entity)) continue;
    throw new OidcConfigError(
      `The DataSource of "broker.store" does not know the entity ${entity.options.name}. Add the entities of ` +
        'nestjs-oidc-auth/typeorm to it (entities: [...brokerEntities, …]), or set "autoLoadEntities: true" and name the store at ' +
        'registration; a store that only a factory names needs TypeOrmModule.forFeature(brokerEntities) beside it.',
    );
  }
  const runner = dataSource.createQueryRunner();
  try {
    for (const entity of brokerEntities) {
      const { tablePath, columns } = dataSource.getMetadata(entity);
      const table = await runner.getTable(tablePath);
      if (table === undefined) {
        throw new OidcConfigError(
          `The table "${tablePath}" of "broker.store" does not exist. ${HOW}`,
        );
      }
      const missing = columns.find(({ databaseName }) => !table.findColumnByName(databaseName));
      if (missing !== undefined) {
        throw new OidcConfigError(
          `The table "${tablePath}" of "broker.store" has no column "${missing.databaseName}": it is of another version. ${HOW}`,
        );
      }
    }
  } finally {
    await runner.release();
  }
}
