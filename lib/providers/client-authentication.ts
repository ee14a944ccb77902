import type { ClientAuth, ModifyAssertionOptions } from 'openid-client';
import type { ClientAuthenticationMethod } from '../options/client-options.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { signingKey } from './client-keys.js';
import { type OpenidClient, openidClient } from './openid-client.js';

const BY_CERTIFICATE: readonly unknown[] = ['tls_client_auth', 'self_signed_tls_client_auth'];

/** Whether the connection itself proves who we are (RFC 8705 §2): then the provider's addresses for that are used. */
export function provesByCertificate(options: ResolvedProvider): boolean {
  return BY_CERTIFICATE.includes(options.clientAuthentication);
}

/** As the option says, else by key where there is one, else by what the metadata offers (RFC 6749 §2.3.1). */
function methodOf(
  { clientSecret, clientKeys, clientAuthentication: chosen }: ResolvedProvider,
  supported: readonly string[],
): ClientAuthenticationMethod {
  if (chosen !== undefined) return chosen;
  if (clientKeys.length > 0) return 'private_key_jwt';
  if (clientSecret === undefined) return 'none';
  const postOnly =
    supported.includes('client_secret_post') && !supported.includes('client_secret_basic');
  return postOnly ? 'client_secret_post' : 'client_secret_basic';
}

/** An assertion is for one reader, the issuer or its token endpoint (RFC 7523 §3); the library lets it live for 60 s. */
function assertionOf(
  library: OpenidClient,
  audience: string,
  members: Readonly<Record<string, string>>,
): ModifyAssertionOptions {
  return {
    [library.modifyAssertion]: (header, payload) => {
      Object.assign(header, members);
      Object.assign(payload, { aud: audience });
    },
  };
}

/**
 * How we prove ourselves to the provider.
 *
 * @param audience for whom our assertions are.
 */
export async function clientAuthentication(
  options: ResolvedProvider,
  supported: readonly string[],
  audience: string,
): Promise<ClientAuth> {
  const library = await openidClient();
  const { ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None } = library;
  const method = methodOf(options, supported);
  const secret = options.clientSecret?.reveal();
  const [first] = options.clientKeys;
  if (provesByCertificate(options)) return library.TlsClientAuth();
  if (method === 'private_key_jwt' && first !== undefined) {
    const { key, header } = await signingKey(first);
    return library.PrivateKeyJwt(key, assertionOf(library, audience, header));
  }
  if (secret === undefined || method === 'none') return None();
  if (method === 'client_secret_jwt')
    return ClientSecretJwt(secret, assertionOf(library, audience, {}));
  return method === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret);
}
