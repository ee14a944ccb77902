import { PROOF_ALGORITHMS } from '../options/possession-options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * The metadata of this application as a protected resource (RFC 9728 §2).
 *
 * @param servers the issuers of the tokens that it takes.
 * @param scopes that logins may ask for.
 * @param dpop whether tokens may, must or must not be bound to a key (RFC 9449 §5.1, §7).
 */
export function protectedResource(
  publicUrl: string,
  servers: readonly string[],
  scopes: readonly string[],
  dpop: ResolvedOptions['dpop'],
): Readonly<Record<string, unknown>> {
  return {
    resource: publicUrl,
    authorization_servers: servers,
    scopes_supported: scopes,
    ...(dpop === 'required' ? {} : { bearer_methods_supported: ['header'] }),
    ...(dpop === false ? {} : { dpop_signing_alg_values_supported: PROOF_ALGORITHMS }),
    ...(dpop === 'required' ? { dpop_bound_access_tokens_required: true } : {}),
  };
}
