import type { ClaimConstraint } from './claim-constraint.js';

/** Overrides of what the discovery document says: absolute URLs. */
export interface EndpointOptions {
  /** Where browsers are sent to log in. */
  authorization?: string;
  /** Where codes and refresh tokens are exchanged. */
  token?: string;
  /** Where the device flow starts (RFC 8628 §3.1). */
  deviceAuthorization?: string;
  /** OpenID Connect Core §5.3. */
  userinfo?: string;
  /** RFC 7009. */
  revocation?: string;
  /** RFC 7662; for {@link ProviderOptions.introspection}. */
  introspection?: string;
  /** OpenID Connect RP-Initiated Logout §2. */
  endSession?: string;
}

/** Replaces the global `fetch` for every outgoing call: proxies, private CAs, test doubles. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** How this application proves itself to the identity provider's token endpoint (RFC 6749 §2.3). */
export type ClientAuthenticationMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

/** How the provider is asked what an access token is worth (RFC 7662). */
export interface IntrospectionOptions {
  /**
   * How long an active answer counts, in seconds; 60 at most, and never beyond the token's own end. A token that the provider revokes
   * opens handlers for that long. 0: every request asks. Default: 30.
   */
  cacheSec?: number;
  /**
   * What its opaque tokens begin with, or look like (without the flags `g` and `y`): `'ory_at_'`. All others are refused, and sent
   * nowhere. Required where several providers introspect. Default: every token that is no JWT.
   */
  match?: string | RegExp;
  /**
   * Asks about its JWTs too, once their signature holds: then a token that the provider revoked is refused within {@link cacheSec}, and
   * claims that only the answer has count (Keycloak's lightweight access tokens). Default: `false`.
   */
  always?: boolean;
}

/** What {@link ProviderOptions.accessTokenMark} takes. */
export type AccessTokenMark = Readonly<Record<string, string | true>> | 'aud' | false;

/** How calls to other servers are made. */
export interface CallOptions {
  /** Used for every outgoing call instead of the global `fetch`. */
  fetch?: FetchFunction;
  /**
   * Time limit of each call to the identity provider, its body included, in milliseconds.
   * @defaultValue `10000`
   */
  timeoutMs?: number;
  /**
   * Calls to the identity provider under way at once; one more answers 503 with `Retry-After`.
   * @defaultValue `50`
   */
  maxUpstreamCalls?: number;
}

/** What belongs to one identity provider. */
export interface ProviderOptions extends CallOptions {
  /** The client id that the identity provider issued to this application. Required. */
  clientId: string;
  /** The client secret; leave it out for a public client. */
  clientSecret?: string;
  /**
   * URL of the discovery document, `…/.well-known/openid-configuration`, or the issuer, to which that is added; a query stays
   * behind the path, and is no part of the issuer. https, or http on loopback. Required.
   */
  discoveryUrl: string;
  /**
   * What `aud` of an access token must hold (one of them, when several are listed). `false` switches the check
   * off and demands instead that `azp`, else `client_id`, else `appid` or `cid`, is our client. Required.
   */
  audience: string | readonly string[] | false;
  /**
   * What tells access tokens of this provider from its ID tokens, which must never open a handler (RFC 8725 §3.11-3.12). By default a JWT
   * of the provider is taken for an ID token when it carries `nonce`, `at_hash` or `c_hash`, and, where its `aud` is
   * {@link clientId}, when it has none of `scope`, `scp`, `client_id`, `appid`, `cid` and `azpacr`; neither counts beside the header
   * `typ: at+jwt` or the claim `typ: "Bearer"`. The log names the claim. For a provider whose access tokens look otherwise:
   *
   * - `{ uid: true }`, `{ tokenType: 'access-token' }`: claims that its access tokens have, with any value or with this one, and its ID
   *   tokens never have. Everything without them is refused.
   * - `'aud'`: its access tokens never name our client in `aud`, as ID tokens always do.
   * - `false`: nothing tells them apart. Whoever gets hold of an ID token of this client can then use it as an access token: set it
   *   only where no other application shares the client, since this module hands out no ID token in passthrough mode.
   */
  accessTokenMark?: AccessTokenMark;
  /**
   * Scopes that logins and device logins ask for, space separated or as a list; `openid` is added.
   * @defaultValue `'profile email'`
   */
  scopes?: string | readonly string[];
  /**
   * Scopes that a caller of the login or device route may ask for beside {@link scopes}.
   * @defaultValue `[]`
   */
  additionalScopes?: readonly string[];
  /**
   * `true`: the device route adds `offline_access`, login adds it when its query says so.
   * `false`: it is never sent (Google).
   * @defaultValue `true`
   */
  offlineAccess?: boolean;
  /**
   * What every `@Auth()` that names no claims of its own demands of a token, e.g.
   * `{ 'realm_access.roles': ['staff'] }`. A list or a string means roles. `@Auth({ claims: false })` lifts it for a handler.
   */
  claims?: ClaimConstraint;
  /** How to authenticate at the token endpoint. Default: what the provider's metadata asks for. */
  clientAuthentication?: ClientAuthenticationMethod;
  /**
   * Fixed extra parameters of the authorization URL (Google: `{ access_type: 'offline' }`). Parameters that
   * this module sets itself are refused.
   * @defaultValue `{}`
   */
  authorizationParameters?: Readonly<Record<string, string>>;
  /**
   * Fixed extra parameters of the provider's end-session URL. `{post_logout_redirect_uri}` in a value becomes the target of the
   * logout, by default `publicUrl` with a slash (Cognito: `{ logout_uri: '{post_logout_redirect_uri}' }`). Parameters that this
   * module sets itself are refused.
   * @defaultValue `{}`
   */
  logoutParameters?: Readonly<Record<string, string>>;
  /**
   * Overrides the issuer expected in the discovery document; exact string.
   * Default: {@link discoveryUrl} without the well-known suffix, with or without one trailing `/`.
   */
  issuer?: string;
  /**
   * Further `iss` values of access tokens that are signed by the provider's keys: compared as exact strings, never fetched, so that
   * http is allowed. An entry that is our own issuer or a trusted one stops start-up. Default: `access_token_issuer` of the
   * metadata, where it has that member (AD FS); until the metadata was read once, such an `iss` is looked up there only if it is
   * http or on the provider's host. `[]`: none.
   */
  accessTokenIssuers?: readonly string[];
  /**
   * Access tokens that are no JWTs: in passthrough mode the guard asks the provider's introspection endpoint about them, with our client
   * authentication, as token exchange does about subject tokens in broker mode, where the guard takes none of the provider's tokens and
   * asks nobody. The answer must name a `sub`, and be for {@link audience} and of this provider; it shows an access token by `token_type`
   * (or, at Keycloak and Ory Hydra, `typ` or `token_use`), or as {@link accessTokenMark} says. No answer: 503. Half of
   * {@link maxUpstreamCalls} at most are such questions. `true`: with the defaults.
   * @defaultValue `false`
   */
  introspection?: boolean | IntrospectionOptions;
  /** Overrides `jwks_uri` of the discovery document. */
  jwksUri?: string;
  /** Overrides of single endpoints: split URLs (browser and container see the provider under different names). */
  endpoints?: EndpointOptions;
  /** Entra ID: the tenant ids that may log in when the published issuer holds `{tenantid}`. */
  tenants?: readonly string[];
  /**
   * Refuse a callback without `iss` when the provider advertises it (RFC 9207 §2.4). `false` is for
   * providers that advertise and then omit it; an `iss` that is there must be right all the same.
   * @defaultValue `true`
   */
  requireIssuerInCallback?: boolean;
  /**
   * What may sign ID tokens, logout tokens and userinfo: what is registered for this client at the provider
   * (`id_token_signed_response_alg`, OpenID Connect Core §3.1.3.7, Back-Channel Logout §2.6). Default: `RS256`, or what the
   * provider's metadata lists, where RS256 is not listed.
   */
  idTokenAlgorithms?: readonly string[];
  /**
   * Signature algorithms of access tokens (RFC 7518 §3.1); asymmetric ones only.
   * @defaultValue `['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']`
   */
  tokenAlgorithms?: readonly string[];
}
