import type { DataSource } from 'typeorm';
import { OidcConfigError } from '../../errors/oidc-config.error.js';
import { brokerEntities } from './entities.js';

const HOW =
  'Run the migrations of nestjs-oidc-auth/typeorm, CreateOidcBrokerTables and AddOidcBrowserSessions (list brokerMigrations in ' +
  '"migrations" and run `typeorm migration:run`), ' +
  'or set "synchronize: true" where you develop.';

/** TypeORM's names of the databases whose statements and errors are known here; `sqlite` is of its releases before 1.0. */
const KNOWN_TYPES = ['postgres', 'mysql', 'mariadb', 'better-sqlite3', 'sqlite'];

/** An error that is not understood would be a database that is down, where it says that a login was taken already. */
function checkType(type: string): void {
  if (KNOWN_TYPES.includes(type)) return;
  const other = type === 'mongodb' ? 'MongooseBrokerStore for MongoDB, ' : '';
  throw new OidcConfigError(
    `Option "broker.store" is a TypeOrmBrokerStore on a DataSource of the type "${type}", which this module does not know. Known: ` +
      `${KNOWN_TYPES.join(', ')}. Use ${other}another DataSource (TypeOrmBrokerStore.on({ dataSource: 'name' })), a URL, or a class of your ` +
      'own that extends BrokerStore.',
  );
}

/**
 * Looks whether a DataSource is of a database that we know, knows the entities, and its database has their tables. Changes nothing.
 *
 * @throws {@link OidcConfigError} that says what is missing and how to add it.
 */
export async function checkSchema(dataSource: DataSource): Promise<void> {
  checkType(dataSource.options.type);
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
