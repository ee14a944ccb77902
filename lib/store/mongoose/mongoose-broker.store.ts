import type { ModuleRef } from '@nestjs/core';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { OidcConfigError } from '../../errors/oidc-config.error.js';
import type { BrokerStoreDefinition } from '../../contract/store-choice.js';
import { DocumentBrokerStore } from './document-broker.store.js';

/** Which of the host's connections keeps the sessions. */
export interface MongooseBrokerStoreOptions {
  /** Its name (`connectionName` of `MongooseModule.forRoot`). Default: the default connection. */
  readonly connection?: string;
}

/**
 * Keeps sessions and keys on a connection that the host application has: `broker: { store: MongooseBrokerStore }`. It makes
 * its models and their indexes itself.
 */
export class MongooseBrokerStore extends DocumentBrokerStore {
  /**
   * @example `broker: { store: MongooseBrokerStore.on({ connection: 'sessions' }) }`
   * @throws {@link OidcConfigError} at start-up, when there is no such connection.
   */
  static on({ connection }: MongooseBrokerStoreOptions = {}): BrokerStoreDefinition {
    return {
      imports: [],
      resolve: (container) => new MongooseBrokerStore(connectionNamed(connection, container)),
    };
  }
}

function connectionNamed(name: string | undefined, container: ModuleRef): Connection {
  try {
    return container.get<Connection>(getConnectionToken(name), { strict: false });
  } catch {
    const called = name === undefined ? 'no default connection' : `no connection "${name}"`;
    const options = name === undefined ? '' : `, { connectionName: '${name}' }`;
    throw new OidcConfigError(
      `Option "broker.store" is a MongooseBrokerStore, but there is ${called} in the application. Import ` +
        `MongooseModule.forRoot(url${options}) beside OidcAuthModule.`,
    );
  }
}
