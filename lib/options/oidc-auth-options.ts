import type { BrokerOptions } from './broker-options.js';
import type { ClaimConstraint } from './claim-constraint.js';

/** A path beginning with `/`, or `false`: the route does not exist. */
export type RoutePath = string | false;

/** Where each route answers; decides which controllers exist, so it is static in `forRootAsync` too. */
export interface RouteOptions {
  /**
   * Put before every path below, after the host's global prefix.
   * @defaultValue `''`
   */
  prefix?: string;
  /** @defaultValue `'/auth/v2/login'` */
  login?: RoutePath;
  /** @defaultValue `'/auth/v2/callback'` */
  callback?: RoutePath;
  /** @defaultValue `'/auth/v2/token'` */
  token?: RoutePath;
  /**
   * `false`: no device logins by this route. Where there is a login route, the default path then answers 503: the Python client
   * looks there first, takes a 503 for "use the browser", and gives up on anything else. `grants: { device: false }` does that at
   * the route's own path, and switches the grant off too.
   * @defaultValue `'/auth/v2/device'`
   */
  device?: RoutePath;
  /** @defaultValue `'/auth/v2/logout'` */
  logout?: RoutePath;
  /** @defaultValue `'/auth/v2/userinfo'` */
  userinfo?: RoutePath;
  /** @defaultValue `'/auth/v2/revoke'` */
  revoke?: RoutePath;
  /**
   * The public keys of minted tokens; answers 404 without `broker`. In broker mode they are also at
   * `<iss>/auth/v2/.well-known/jwks.json`, where peers look.
   * @defaultValue `'/auth/v2/.well-known/jwks.json'`
   */
  jwks?: RoutePath;
  /**
   * RFC 7662; answers 404 unless `broker.introspectionScope` is set.
   * @defaultValue `'/auth/v2/introspect'`
   */
  introspect?: RoutePath;
  /**
   * OpenID Connect Back-Channel Logout 1.0; answers 404 without `broker`.
   * @defaultValue `'/auth/v2/backchannel-logout'`
   */
  backchannelLogout?: RoutePath;
  /**
   * `false`: neither `<iss>/.well-known/openid-configuration` (broker mode, RFC 8414) nor
   * `/.well-known/oauth-protected-resource` (RFC 9728) answers.
   * @defaultValue `true`
   */
  metadata?: boolean;
  /**
   * The tag of these routes in an OpenAPI document that `@nestjs/swagger` makes.
   * @defaultValue `'auth'`
   */
  apiTag?: string;
}

/** Which grants the token route serves. A grant that is off answers 400 `unsupported_grant_type`. */
export interface GrantOptions {
  /** @defaultValue `true` */
  authorizationCode?: boolean;
  /** @defaultValue `true` */
  refresh?: boolean;
  /**
   * `false`: the device route answers 503 too, and clients take their browser.
   * @defaultValue `true`
   */
  device?: boolean;
  /**
   * RFC 8693; broker mode only.
   * @defaultValue `true`
   */
  exchange?: boolean;
}

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
  /** OpenID Connect RP-Initiated Logout §2. */
  endSession?: string;
}

/** The paths that a loopback redirect URI may have (RFC 8252 §7.3). */
export interface LoopbackRedirectOptions {
  /** @defaultValue `['/callback']` */
  paths: readonly string[];
}

/** Replaces the global `fetch` for every outgoing call: proxies, private CAs, test doubles. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** How this application proves itself to the identity provider's token endpoint (RFC 6749 §2.3). */
export type ClientAuthenticationMethod = 'client_secret_basic' | 'client_secret_post' | 'none';

/** What {@link OidcAuthOptions.accessTokenMark} takes. */
export type AccessTokenMark = Readonly<Record<string, string | true>> | 'aud' | false;

/** What {@link OidcAuthOptions.onLogin} is told. */
export interface LoginNotice {
  /** Name of the identity provider in this module's configuration. */
  provider: string;
  /** A token exchange counts as a login too, so that who is refused here cannot come in that way. */
  grant: 'authorization_code' | 'device_code' | 'token_exchange';
  /**
   * The claims of the validated ID token; absent when a device login brought none. In broker mode all that the provider said:
   * its access token, if that verifies, else its ID token, else userinfo decides what a claim is. `acr` and `amr` are among them where
   * the provider says them.
   */
  claims?: Readonly<Record<string, unknown>>;
}

/**
 * The options of `OidcAuthModule`. They are checked once, at start-up; a bad value stops the application
 * with an {@link OidcConfigError} that names the option, the value seen and the mend.
 */
export interface OidcAuthOptions {
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
   * The public address of this application: scheme, host and, where a proxy hands on what is below a path and takes that path
   * away, the path. A global prefix and `routes.prefix` are no part of it. Own callback, cookies and logout targets follow it
   * alone, whatever `Host` or `X-Forwarded-*` say.
   * Required unless login, callback and logout are switched off.
   */
  publicUrl?: string;
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
  /**
   * Redirect URIs, beside our own callback and loopback addresses, that the login route accepts: exact strings.
   * Entries on another origin than {@link publicUrl} need the client's own PKCE.
   * @defaultValue `[]`
   */
  allowedRedirectUris?: readonly string[];
  /**
   * `false`, or the paths allowed for `http` redirects to `localhost`, `127.0.0.1` and `[::1]` on any port.
   * @defaultValue `{ paths: ['/callback'] }`
   */
  loopbackRedirects?: LoopbackRedirectOptions | false;
  /**
   * Where the logout route may send people beside {@link publicUrl} itself: exact URLs, or paths, which are below
   * {@link publicUrl}.
   * @defaultValue `[]`
   */
  allowedPostLogoutRedirectUris?: readonly string[];
  /** Paths of the routes, each can be `false`. Static in `forRootAsync`. */
  routes?: RouteOptions;
  /** Grants of the token route that can be switched off one by one. All are on by default. */
  grants?: GrantOptions;
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
  /** Used for every outgoing call instead of the global `fetch`. */
  fetch?: FetchFunction;
  /**
   * Allows http outside loopback, {@link publicUrl} included: login cookies and tokens are then readable on the way.
   * For closed test networks only.
   * @defaultValue `false`
   */
  allowInsecureHttp?: boolean;
  /**
   * Strings of 32 characters and more that do not repeat themselves (`openssl rand -base64 32`); the first seals login handles,
   * all open them. In broker mode they also encrypt sessions and signing keys. Instances that serve the same logins need the same keys.
   * To change them while instances run, add the new one at the end everywhere, then move it to the front.
   * Default: derived from {@link clientSecret} when that
   * has 32 characters and does not repeat itself, else random for each process, with a warning that says why; with a lasting
   * `broker.store` start-up stops instead.
   */
  encryptionKeys?: readonly string[];
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
  /**
   * Clock difference between issuer and this machine that `exp`, `nbf` and `iat` may show, in seconds; 300 at most.
   * @defaultValue `5`
   */
  clockToleranceSec?: number;
  /**
   * How far in the future `exp` of an accepted token may lie, in seconds; 31 days by default.
   * @defaultValue `2678400`
   */
  maxTokenAgeSec?: number;
  /**
   * Tokens longer than this are refused before anything is decoded, in bytes.
   * @defaultValue `12288`
   */
  maxTokenBytes?: number;
  /**
   * How long known keys go on serving while their source is down, in seconds.
   * @defaultValue `86400`
   */
  jwksStaleSec?: number;
  /**
   * Shortest time between two fetches of a key set that unknown key ids cause, after a small burst, in seconds.
   * @defaultValue `30`
   */
  jwksCooldownSec?: number;
  /** Present: the application mints its own tokens, and the identity provider's stay on the server. */
  broker?: BrokerOptions;
  /**
   * Names the folder of the SQLite file that broker mode keeps when no store is given.
   * @defaultValue `'nestjs-oidc-auth'`
   */
  appName?: string;
  /**
   * Also leaves the verified claims on the request under this name, for code that expects them there: `'user'` is where Passport's
   * users look. Set only once the caller was let in, and never read by this module. HTTP only.
   * @defaultValue `false`
   */
  requestProperty?: string | false;
  /**
   * Called after each login, before its tokens go out: provision the user here, or refuse by throwing. Nest's
   * `ForbiddenException('no account')`, or any of its 4xx, answers 403 `access_denied` with a fixed text, and its message goes to the log;
   * an `OAuthError('access_denied', 'Not invited', { status: 403 })` also says what the caller is told. Any other exception is a fault: 500
   * `server_error`, logged whole.
   */
  onLogin?: (login: LoginNotice) => void | Promise<void>;
}
