import type { ModuleRef } from '@nestjs/core';
import { TypeOrmModule, getDataSourceToken } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { OidcConfigError } from '../../errors/oidc-config.error.js';
import type { BrokerStoreDefinition } from '../../contract/store-choice.js';
import { brokerEntities } from './entities.js';
import { SqlBrokerStore } from './sql-broker.store.js';

/** Which of the host's DataSources keeps the sessions. */
export interface TypeOrmBrokerStoreOptions {
  /** Its name (`name` of `TypeOrmModule.forRoot`). Default: the default DataSource. */
  readonly dataSource?: string;
}

/**
 * Keeps sessions and keys on a DataSource that the host application has: `broker: { store: TypeOrmBrokerStore }`. Its
 * `entityPrefix` and `schema` are honoured, and nothing is changed in its database.
 */
export class TypeOrmBrokerStore extends SqlBrokerStore {
  /**
   * @example `broker: { store: TypeOrmBrokerStore.on({ dataSource: 'sessions' }) }`
   * @throws {@link OidcConfigError} at start-up, when there is no such DataSource, or it lacks entities or tables.
   */
  static on({ dataSource }: TypeOrmBrokerStoreOptions = {}): BrokerStoreDefinition {
    // Tells `autoLoadEntities` of the entities. The module that comes back would only bring repositories that nobody asks for,
    // and Nest's own message where there is no such DataSource.
    TypeOrmModule.forFeature([...brokerEntities], dataSource);
    return {
      imports: [],
      resolve: (container) => new TypeOrmBrokerStore(dataSourceNamed(dataSource, container)),
    };
  }
}

function dataSourceNamed(name: string | undefined, container: ModuleRef): DataSource {
  try {
    return container.get<DataSource>(getDataSourceToken(name), { strict: false });
  } catch {
    const called = name === undefined ? 'no default DataSource' : `no DataSource "${name}"`;
    throw new OidcConfigError(
      `Option "broker.store" is a TypeOrmBrokerStore, but there is ${called} in the application. Import ` +
        `TypeOrmModule.forRoot(${name === undefined ? '{ … }' : `{ name: '${name}', … }`}) beside OidcAuthModule.`,
    );
  }
}
