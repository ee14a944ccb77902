import { OAuthError } from '../errors/oauth.error.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** The options of broker mode. @throws {@link OAuthError} 404 in passthrough mode, where that does not exist. */
export function brokerOptions({ broker }: ResolvedOptions): ResolvedBrokerOptions {
  if (broker !== undefined) return broker;
  throw new OAuthError('invalid_request', 'There is nothing here without broker mode', {
    status: 404,
  });
}
