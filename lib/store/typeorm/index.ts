export { AddOidcBrowserSessions1764201600000 } from './add-browser-sessions.migration.js';
export { brokerMigrations } from './broker-migrations.js';
export { CreateOidcBrokerTables1764115200000 } from './create-broker-tables.migration.js';
export {
  brokerEntities,
  peerKeysEntity,
  revocationEntity,
  sessionEntity,
  signingKeyEntity,
} from './entities.js';
export { TypeOrmBrokerStore, type TypeOrmBrokerStoreOptions } from './typeorm-broker.store.js';
