import { RequestGroup } from './request-options.js';
import type { IntrospectionOptions } from './introspection-options.js';
import type { EndpointOptions } from './endpoint-options.js';
import type { Written } from './option-group.js';
import { isIssuerList } from './access-token-issuers.js';
import type { ClaimConstraint } from './claim-constraint.js';
import { LOGOUT_TARGET } from './logout-parameters.js';
import {
  ALGORITHMS,
  OF_ID_TOKENS,
  OWN_LOGOUT_PARAMETERS,
  SIGNATURE_ALGORITHMS,
  isAlgorithm,
  isLogoutParameter,
} from './provider-rules.js';
import {
  HTTPS,
  Must,
  MustList,
  Optional,
  isFlag,
  isHttpUrl,
  isPlainHttpUrl,
  isRecord,
  isScopeList,
  isText,
  isTextList,
} from './value-rules.js';

/** What {@link ProviderOptions.accessTokenMark} takes. */
export type AccessTokenMark = Readonly<Record<string, string | true>> | 'aud' | false;

/** What belongs to one identity provider. */
export class ProviderGroup extends RequestGroup {
  /**
   * URL of the discovery document, `…/.well-known/openid-configuration`, or the issuer, to which that is added; a query stays
   * behind the path, and is no part of the issuer. https, or http on loopback. Required.
   */
  @Must(`must be ${HTTPS}, ending in /.well-known/openid-configuration`, isHttpUrl)
  discoveryUrl!: string;

  /**
   * What `aud` of an access token must hold (one of them, when several are listed). `false` switches the check
   * off and demands instead that `azp`, else `client_id`, else `appid` or `cid`, is our client. Required.
   */
  @Must(
    'must be the value that "aud" of your access tokens holds (a string or a list of strings), ' +
      'or false, written out, to accept tokens by their "azp" instead',
    (value) => value === false || isText(value) || (isTextList(value) && value.length > 0),
  )
  audience!: string | readonly string[] | false;

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
  @Optional()
  @Must(
    'must be false, "aud", or claims that access tokens of this provider have and its ID tokens never have, ' +
      `with their value or true, such as { uid: true }, and none of ${[...OF_ID_TOKENS].join(', ')}`,
    (value) =>
      value === false ||
      value === 'aud' ||
      (isRecord(value) &&
        Object.keys(value).length > 0 &&
        Object.keys(value).every((claim) => claim !== '' && !OF_ID_TOKENS.has(claim)) &&
        Object.values(value).every((held) => held === true || isText(held))),
  )
  accessTokenMark?: AccessTokenMark | undefined;

  /**
   * Scopes that logins and device logins ask for, space separated or as a list; `openid` is added.
   * @defaultValue `'profile email'`
   */
  @Optional()
  @Must('must be scopes separated by spaces (not commas), or a list of scopes', isScopeList)
  scopes?: string | readonly string[] = 'profile email';

  /**
   * Scopes that a caller of the login or device route may ask for beside {@link scopes}.
   * @defaultValue `[]`
   */
  @Optional()
  @Must('must be a list of scopes', (value) => Array.isArray(value) && isScopeList(value))
  additionalScopes?: readonly string[] = [];

  /**
   * `true`: the device route adds `offline_access`, login adds it when its query says so.
   * `false`: it is never sent (Google).
   * @defaultValue `true`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  offlineAccess?: boolean = true;

  /**
   * What every `@Auth()` that names no claims of its own demands of a token, e.g.
   * `{ 'realm_access.roles': ['staff'] }`. A list or a string means roles. `@Auth({ claims: false })` lifts it for a handler.
   */
  // Shape and emptiness are checked by parseClaimConstraint, which names the path.
  @Optional()
  @Must('must not be null; leave it out instead', (value) => value !== null)
  claims?: ClaimConstraint | undefined;

  /**
   * Fixed extra parameters of the provider's end-session URL. `{post_logout_redirect_uri}` in a value becomes the target of the
   * logout, by default `publicUrl` with a slash (Cognito: `{ logout_uri: '{post_logout_redirect_uri}' }`). Parameters that this
   * module sets itself are refused.
   * @defaultValue `{}`
   */
  @Optional()
  @Must(
    `must be an object of strings, with no other placeholder than ${LOGOUT_TARGET}, and without the parameters that logouts set ` +
      `themselves (${[...OWN_LOGOUT_PARAMETERS].join(', ')})`,
    (value) =>
      isRecord(value) &&
      Object.values(value).every(isLogoutParameter) &&
      Object.keys(value).every((key) => !OWN_LOGOUT_PARAMETERS.has(key)),
  )
  logoutParameters?: Readonly<Record<string, string>> = {};

  /**
   * Overrides the issuer expected in the discovery document; exact string.
   * Default: {@link discoveryUrl} without the well-known suffix, with or without one trailing `/`.
   */
  @Optional()
  @Must(`must be ${HTTPS}, exactly as the discovery document publishes it`, isPlainHttpUrl)
  issuer?: string | undefined;

  /**
   * Further `iss` values of access tokens that are signed by the provider's keys: compared as exact strings, never fetched, so that
   * http is allowed. An entry that is our own issuer or a trusted one stops start-up. Default: `access_token_issuer` of the
   * metadata, where it has that member (AD FS); until the metadata was read once, such an `iss` is looked up there only if it is
   * http or on the provider's host. `[]`: none.
   */
  @Optional()
  @Must(
    'must be a list of what access tokens of the provider hold as "iss", exactly: texts without blanks',
    isIssuerList,
  )
  accessTokenIssuers?: readonly string[] | undefined;

  /**
   * Access tokens that are no JWTs: in passthrough mode the guard asks the provider's introspection endpoint about them, with our client
   * authentication, as token exchange does about subject tokens in broker mode, where the guard takes none of the provider's tokens and
   * asks nobody. The answer must name a `sub`, and be for {@link audience} and of this provider; it shows an access token by `token_type`
   * (or, at Keycloak and Ory Hydra, `typ` or `token_use`), or as {@link accessTokenMark} says. No answer: 503. Half of
   * {@link maxUpstreamCalls} at most are such questions. `true`: with the defaults.
   * @defaultValue `false`
   */
  // What is in an object has rules of its own.
  @Optional()
  @Must(
    'must be true, false or an object such as { cacheSec: 30 }',
    (value) => isFlag(value) || isRecord(value),
  )
  introspection?: boolean | IntrospectionOptions = false;

  /** Overrides `jwks_uri` of the discovery document. */
  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  jwksUri?: string | undefined;

  /** Overrides of single endpoints: split URLs (browser and container see the provider under different names). */
  @Optional()
  @Must('must be an object of absolute URLs', isRecord)
  endpoints?: EndpointOptions | undefined;

  /** Entra ID: the tenant ids that may log in when the published issuer holds `{tenantid}`. */
  @Optional()
  @MustList(
    'must be a list of at least one tenant id (letters, digits, "-" and ".")',
    (tenant) => isText(tenant) && /^[A-Za-z0-9.-]+$/.test(tenant),
    { least: 1 },
  )
  tenants?: readonly string[] | undefined;

  /**
   * Refuse a callback without `iss` when the provider advertises it (RFC 9207 §2.4). `false` is for
   * providers that advertise and then omit it; an `iss` that is there must be right all the same.
   * @defaultValue `true`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  requireIssuerInCallback?: boolean = true;

  /**
   * Refuse a logout token without `exp`, which Back-Channel Logout §2.4 demands. `false` is for providers that leave it out (Ory Hydra): such a token
   * counts for two minutes from its `iat`; an `exp` that is there must hold all the same.
   * @defaultValue `true`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  requireExpInLogoutToken?: boolean = true;

  /**
   * What may sign ID tokens, logout tokens and userinfo: what is registered for this client at the provider
   * (`id_token_signed_response_alg`, OpenID Connect Core §3.1.3.7, Back-Channel Logout §2.6). Default: `RS256`, or what the
   * provider's metadata lists, where RS256 is not listed.
   */
  @Optional()
  @MustList(ALGORITHMS, isAlgorithm, { least: 1 })
  idTokenAlgorithms?: readonly string[] | undefined;

  /**
   * Signature algorithms of access tokens (RFC 7518 §3.1); asymmetric ones only.
   * @defaultValue `['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']`
   */
  @Optional()
  @MustList(ALGORITHMS, isAlgorithm, { least: 1 })
  tokenAlgorithms?: readonly string[] = SIGNATURE_ALGORITHMS;
}

/** What belongs to one identity provider. */
export interface ProviderOptions extends Written<ProviderGroup> {}
