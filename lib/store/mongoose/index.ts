export { MongooseBrokerStore, type MongooseBrokerStoreOptions } from './mongoose-broker.store.js';
