import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { BrokerStore } from './broker-store.js';
import { MemoryBrokerStore } from './memory-broker.store.js';

export function openStoreByUrl(
  url: string | undefined,
  _surroundings: { readonly appName: string; readonly onWarning: (warning: string) => void },
): BrokerStore {
  if (url === 'memory://') return new MemoryBrokerStore();
  throw new OidcConfigError('Option "broker.store" is a URL of an unknown kind.');
}
