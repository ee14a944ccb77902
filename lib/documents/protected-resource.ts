import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * The metadata of this application as a protected resource (RFC 9728 §2).
 *
 * @param servers the issuers of the tokens that it takes.
 */
export function protectedResource(
  { publicUrl, allowedScopes }: ResolvedOptions,
  servers: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    resource: publicUrl,
    authorization_servers: servers,
    scopes_supported: [...new Set(allowedScopes)],
    bearer_methods_supported: ['header'],
  };
}
