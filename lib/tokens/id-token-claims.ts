/**
 * The verified claims of the caller's token, frozen. `iss` and `sub` together are the user's identity;
 * user name and e-mail are display data that can change hands (OpenID Connect Core §5.7). Claims whose type a specification fixes have
 * that type here, however the issuer writes them (`"true"`, a list of scopes, one role as text), or are absent.
 *
 * Widen it with the claims of your own provider:
 *
 * @example
 * declare module 'nestjs-oidc-auth' {
 *   interface IdTokenClaims { tenant?: string }
 * }
 */
export interface IdTokenClaims {
  /** Who issued the token; compared as an exact string with the issuers that are trusted. */
  readonly iss: string;
  /** The user at that issuer. */
  readonly sub: string;
  readonly aud?: string | readonly string[];
  /** Seconds since 1970. */
  readonly exp: number;
  /** Seconds since 1970. */
  readonly iat?: number;
  /** Seconds since 1970. */
  readonly nbf?: number;
  readonly jti?: string;
  /** The session that the token belongs to; absent in tokens by exchange and in those of trusted issuers. */
  readonly sid?: string;
  readonly azp?: string;
  /** How the user was authenticated: an authentication context class (OpenID Connect Core §2). */
  readonly acr?: string;
  /** By what: `pwd`, `otp`, … (RFC 8176). */
  readonly amr?: readonly string[];
  /** When the user was authenticated, in seconds since 1970. */
  readonly auth_time?: number;
  /** Granted scopes, space separated. */
  readonly scope?: string;
  readonly preferred_username?: string;
  readonly name?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  /** The flat role list, in tokens of broker mode. Entries of the provider's own that are no text are left as they came. */
  readonly roles?: readonly string[];
  readonly [claim: string]: unknown;
}

/** Who a user is: only both together name somebody (OpenID Connect Core §5.7). */
export type UserIdentity = Pick<IdTokenClaims, 'iss' | 'sub'>;
