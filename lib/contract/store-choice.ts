import type { ModuleMetadata, Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type { BrokerStore } from './broker-store.js';

/**
 * A store that needs something of the host application (a DataSource, a Connection), and how to make it once the
 * container is built. What `TypeOrmBrokerStore.on(…)` and `MongooseBrokerStore.on(…)` return.
 */
export interface BrokerStoreDefinition {
  /** Modules to import for it, when it is named at registration. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  /** @throws {@link OidcConfigError} that says what the host has to add. */
  readonly resolve: (container: ModuleRef) => BrokerStore;
}

/** A store class that says itself how it is made from the host's container. */
export interface DefinedBrokerStore extends Type<BrokerStore> {
  on(): BrokerStoreDefinition;
}

/** What the option `broker.store` takes: a URL, a class, an instance, or what `on(…)` of a store class returns. */
export type BrokerStoreChoice =
  string | Type<BrokerStore> | DefinedBrokerStore | BrokerStore | BrokerStoreDefinition;
