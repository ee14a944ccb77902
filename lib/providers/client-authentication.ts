import { type ClientAuth, ClientSecretBasic, ClientSecretPost, None } from 'openid-client';
import type { ResolvedProvider } from '../options/resolve-provider.js';

/**
 * How we prove ourselves to the provider: as the option says, else `client_secret_basic` unless the metadata offers
 * `client_secret_post` alone (RFC 6749 §2.3.1).
 */
export function clientAuthentication(
  { clientSecret, clientAuthentication: chosen }: ResolvedProvider,
  supported: readonly string[],
): ClientAuth {
  const secret = clientSecret?.reveal();
  if (secret === undefined || chosen === 'none') return None();
  const postOnly =
    supported.includes('client_secret_post') && !supported.includes('client_secret_basic');
  const method = chosen ?? (postOnly ? 'client_secret_post' : 'client_secret_basic');
  return method === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret);
}
