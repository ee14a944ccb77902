import { CallGroup } from './call-options.js';
import { isIn } from 'class-validator';
import { type ClientKey, isClientKey } from './client-keys.js';
import { isAuthentication } from './provider-rules.js';
import { Must, MustList, Optional, isText } from './value-rules.js';

/** How this application proves itself to the identity provider's token endpoint (RFC 6749 §2.3). */
export type ClientAuthenticationMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'
  | 'none';

/** As whom we are known at an identity provider, and how we prove it. */
export class ClientGroup extends CallGroup {
  /** The client id that the identity provider issued to this application. Required. */
  @Must('must be the client id that the identity provider issued: a non-empty string', isText)
  clientId!: string;

  /** The client secret; leave it out for a public client. */
  @Optional()
  @Must('must be a non-empty string; leave it out for a public client', isText)
  clientSecret?: string | undefined;

  /**
   * How to authenticate at the token endpoint and the provider's others. Default: `private_key_jwt` with {@link clientKeys}, else what the
   * provider's metadata asks for. `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705) need this provider's own `fetch`, which
   * sends the certificate; the provider's `mtls_endpoint_aliases` are used then.
   */
  @Optional()
  @Must(
    'must be client_secret_basic, client_secret_post or client_secret_jwt, which need "clientSecret", private_key_jwt, which needs ' +
      '"clientKeys", tls_client_auth or self_signed_tls_client_auth, which need this provider\'s own "fetch", or none',
    isAuthentication,
  )
  clientAuthentication?: ClientAuthenticationMethod | undefined;

  /**
   * Private keys instead of a secret: the first signs, and the public parts of all are at the route `clientJwks`, whose address
   * is registered at the provider as our `jwks_uri`. To rotate, add the new key at the end, wait until the provider has read the key set again,
   * move it to the front, and later leave the former one out.
   * @defaultValue `[]`
   */
  @Optional()
  @MustList(
    'must be a list of { key, alg, kid, x5t, "x5t#S256" }: "key" is a JWK or a PEM, the others are texts that may be left out',
    isClientKey,
  )
  clientKeys?: readonly ClientKey[] = [];

  /**
   * `aud` of what proves who we are (RFC 7523 §3): the provider's issuer, or its token endpoint, for providers that want that
   * (Entra ID).
   * @defaultValue `'issuer'`
   */
  @Optional()
  @Must('must be "issuer" or "token_endpoint"', (value) =>
    isIn(value, ['issuer', 'token_endpoint']),
  )
  assertionAudience?: 'issuer' | 'token_endpoint' = 'issuer';
}
