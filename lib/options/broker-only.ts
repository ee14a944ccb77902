import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { ResolvedBrokerOptions } from './resolve-broker.js';
import type { ResolvedOptions } from './resolve-options.js';

/** The options of broker mode. @throws {@link OAuthError} 404 in passthrough mode, where that does not exist. */
export function brokerOptions({ broker }: ResolvedOptions): ResolvedBrokerOptions {
  if (broker !== undefined) return broker;
  const cause = new Reason('broker mode is off', { option: '"broker"' });
  const text = 'There is nothing here without broker mode';
  throw new OAuthError('invalid_request', text, { status: 404, cause });
}
