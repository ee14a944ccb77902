import { DataSource, type DataSourceOptions } from 'typeorm';
import { packagesMissing } from '../store-errors.js';
import { checkSchema } from './check-schema.js';
import { brokerEntities } from './entities.js';
import { SqlBrokerStore } from './sql-broker.store.js';

/** How a kind of database makes the tables when many instances start at once. */
export type TableMaker = (dataSource: DataSource) => Promise<void>;

/** A store that was opened by URL: on a DataSource of its own, with tables of its own. */
export class OwnDataSourceStore extends SqlBrokerStore {
  constructor(
    options: DataSourceOptions,
    private readonly makeTables: TableMaker,
  ) {
    super(newDataSource(options));
  }

  /** May be called again after it failed. */
  override async open(): Promise<void> {
    if (!this.dataSource.isInitialized) await this.dataSource.initialize();
    await this.makeTables(this.dataSource);
    await checkSchema(this.dataSource);
  }

  override async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

/** TypeORM loads the driver here. @throws {@link OidcConfigError} when it is not installed. */
function newDataSource(options: DataSourceOptions): DataSource {
  try {
    return new DataSource({ ...options, entities: [...brokerEntities] });
  } catch (error) {
    if (error instanceof Error && error.name === 'DriverPackageNotInstalledError') {
      throw packagesMissing(options.type === 'better-sqlite3' ? 'sqlite' : options.type);
    }
    throw error;
  }
}
