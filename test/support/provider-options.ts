import type { ClientAuthenticationMethod } from '../../lib/index.js';
import type { ClientMetadata } from 'oidc-provider';

import type { SigningKey } from './signing-keys.js';
import type { TestUser } from './users.js';

/** Lifetimes that oidc-provider knows, in seconds. */
export type LifetimeName =
  | 'AccessToken'
  | 'AuthorizationCode'
  | 'DeviceCode'
  | 'Grant'
  | 'IdToken'
  | 'Interaction'
  | 'RefreshToken'
  | 'Session';

export interface ProviderOptions {
  /** A fixed port; default: a free one. */
  port?: number;
  /** @defaultValue `'client-secret-of-at-least-32-characters'` */
  clientSecret?: string;
  /** @defaultValue `'client_secret_basic'` */
  clientAuth?: ClientAuthenticationMethod;
  /** Takes authorization requests that were pushed alone (RFC 9126). */
  requirePush?: boolean;
  /** Takes signed authorization requests alone (RFC 9101). */
  requireSignature?: boolean;
  /** How the client is registered besides: its keys, its certificate. */
  client?: Partial<ClientMetadata>;
  /** Redirect URIs that are accepted beside every http loopback URI. */
  redirectUris?: readonly string[];
  /** `false`: only {@link redirectUris}, exactly. Holds for logout targets too. @defaultValue `true` */
  anyLoopbackRedirect?: boolean;
  /** Logout targets that are accepted beside every http loopback URI. */
  postLogoutRedirectUris?: readonly string[];
  /** `aud` of access tokens. @defaultValue `'my-aud'` */
  audience?: string;
  /** The only targets that it issues JWTs for (RFC 8707): each request for tokens names one, which becomes `aud`. */
  resources?: readonly string[];
  /** Whether the client may have tokens of its own (RFC 6749 §4.4). */
  clientCredentials?: boolean;
  /** Random strings instead of JWTs. */
  opaqueAccessTokens?: boolean;
  /** In seconds. */
  lifetimes?: Partial<Record<LifetimeName, number>>;
  /** Whether each refresh gives a new refresh token and the reuse of an old one ends the grant. @defaultValue `true` */
  rotateRefreshTokens?: boolean;
  /** Who gets a refresh token; default: logins with `offline_access` (and `prompt=consent`). */
  refreshTokens?: 'offline_access' | 'always' | 'never';
  /** Authentication context classes: whoever logs in is of the first that was asked for. */
  acrValues?: readonly string[];
  /** Sends and advertises `iss` in authorization responses (RFC 9207). @defaultValue `true` */
  issParameter?: boolean;
  /** More claims for access tokens, ID tokens and userinfo. */
  extraClaims?: (user: TestUser) => Record<string, unknown>;
  /** Signing keys, the first signs; default: one RSA key. */
  keys?: readonly SigningKey[];
  /** Clients beside `my-client`. */
  clients?: readonly ClientMetadata[];
}

export const TEST_CLIENT_ID = 'my-client';
export const TEST_CLIENT_SECRET = 'client-secret-of-at-least-32-characters';
export const TEST_AUDIENCE = 'my-aud';
export const TEST_SCOPES = 'openid profile email offline_access myscope';
