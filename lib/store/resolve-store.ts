import type { Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { BrokerStore } from '../contract/broker-store.js';
import type {
  BrokerStoreChoice,
  BrokerStoreDefinition,
  DefinedBrokerStore,
} from '../contract/store-choice.js';
import { openStoreByUrl } from './open-store.js';

/** What a store may need to be made. */
export interface StoreSurroundings {
  readonly container: ModuleRef;
  readonly appName: string;
  readonly onWarning: (warning: string) => void;
}

function isStoreClass(value: unknown): value is Type<BrokerStore> {
  return typeof value === 'function' && value.prototype instanceof BrokerStore;
}

function definesItself(value: object): value is DefinedBrokerStore {
  return 'on' in value && typeof value.on === 'function';
}

function isDefinition(value: unknown): value is BrokerStoreDefinition {
  return typeof value === 'object' && value !== null && 'resolve' in value && 'imports' in value;
}

/** What the host's container must hold for the chosen store; `undefined` when it needs nothing. */
export function storeDefinition(choice: unknown): BrokerStoreDefinition | undefined {
  if (isStoreClass(choice) && definesItself(choice)) return choice.on();
  return isDefinition(choice) && !(choice instanceof BrokerStore) ? choice : undefined;
}

/**
 * Makes the store that the host chose: by URL, on a connection of its own, or a class of its own, which is taken from the
 * container when it is a provider there and else made with what the container holds.
 *
 * @throws {@link OidcConfigError} that says what is missing.
 */
export async function resolveStore(
  choice: BrokerStoreChoice | undefined,
  { container, appName, onWarning }: StoreSurroundings,
): Promise<BrokerStore> {
  if (choice === undefined || typeof choice === 'string') {
    return openStoreByUrl(choice, { appName, onWarning });
  }
  if (choice instanceof BrokerStore) return choice;
  const definition = storeDefinition(choice);
  if (definition !== undefined) return definition.resolve(container);
  if (isStoreClass(choice)) return provided(container, choice);
  throw new OidcConfigError(
    'Option "broker.store" is neither a URL nor a BrokerStore. For a connection of your own write TypeOrmBrokerStore or ' +
      "MongooseBrokerStore, or TypeOrmBrokerStore.on({ dataSource: 'name' }). A class of yours extends the BrokerStore of " +
      'nestjs-oidc-auth, from the same installed copy of it.',
  );
}

async function provided(container: ModuleRef, store: Type<BrokerStore>): Promise<BrokerStore> {
  try {
    return container.get(store, { strict: false });
  } catch {
    return container.create(store);
  }
}
