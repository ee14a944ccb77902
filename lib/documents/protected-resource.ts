/**
 * The metadata of this application as a protected resource (RFC 9728 §2).
 *
 * @param servers the issuers of the tokens that it takes.
 * @param scopes that logins may ask for.
 */
export function protectedResource(
  publicUrl: string,
  servers: readonly string[],
  scopes: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    resource: publicUrl,
    authorization_servers: servers,
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
  };
}
