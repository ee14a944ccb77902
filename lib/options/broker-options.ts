import type { Written } from './option-group.js';
import { isIn } from 'class-validator';
import { LONGEST_TOKEN_LIFETIME_SEC, USUAL_TOKEN_LIFETIME_SEC } from './token-lifetime.js';
import { isLocalPath } from './url-rules.js';
import {
  Must,
  MustList,
  Optional,
  isFlag,
  isPlainHttpUrl,
  isScopeList,
  isText,
  within,
} from './value-rules.js';
import type { BrokerStoreChoice } from '../contract/store-choice.js';
import type { ClaimConstraint } from './claim-constraint.js';

/** Another instance whose tokens are accepted here. */
export interface TrustedIssuer {
  /** Its `iss`, compared as an exact string; https, or http on loopback. */
  issuer: string;
  /** Where its key set is, when neither {@link BrokerOptions.jwksPath} nor our own JWKS path leads to it. */
  jwksUri?: string;
  /** What its tokens must hold, instead of the module's option `claims`; no `@Auth()` lifts it. */
  claims?: ClaimConstraint;
  /** Roles that it may give; others are removed from its tokens, before {@link claims} are held against them. Default: any. */
  roles?: readonly string[];
  /** Scopes that it may give; others are removed from its tokens. Default: any. */
  scopes?: string | readonly string[];
}

/** The trusted issuers, or a function that gives them: called at start and every `revocationPollSec`. */
export type TrustedIssuers =
  | readonly (string | TrustedIssuer)[]
  | (() => readonly (string | TrustedIssuer)[] | Promise<readonly (string | TrustedIssuer)[]>);

/** Claims of the identity provider about a user who logs in: of its access token, ID token and userinfo. */
export type ProviderClaims = Readonly<Record<string, unknown>>;

/** What {@link BrokerOptions.mapClaims} is. */
export type ClaimsMapper = (
  claims: ProviderClaims,
) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

/** Algorithms that can sign minted tokens (RFC 7518 §3.1, RFC 8037 §3.1). */
export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA';

/** Broker mode: the application mints its own tokens, and the provider's stay on the server. */
export class BrokerGroup {
  /** `aud` of minted tokens; peers must be set to the same one. Required. */
  @Must(
    'must be the audience of minted tokens, the same one at every peer: a non-empty string',
    isText,
  )
  audience!: string;

  /**
   * Where sessions and keys are kept: a URL (`memory://`, `sqlite:///path`, `postgres://…`, `mysql://…`, `mariadb://…`,
   * `mongodb://host/database`), `TypeOrmBrokerStore` or `MongooseBrokerStore` (also `.on({ … })`), or a class or an instance of your own that
   * extends `BrokerStore`. Static: in `forRootAsync` it stands beside the factory.
   * Default: a SQLite file in the platform's data directory under `appName`, with a warning: for one instance only.
   */
  @Optional()
  @Must(
    'must be a URL (memory://, sqlite:///path, postgres://…, mysql://…, mongodb://…), TypeOrmBrokerStore, MongooseBrokerStore, ' +
      'or a class or an instance that extends BrokerStore',
    (value) =>
      isText(value) || typeof value === 'function' || (typeof value === 'object' && value !== null),
  )
  store?: BrokerStoreChoice | undefined;

  /** `iss` of minted tokens: exactly the string that peers list. Default: `publicUrl`. */
  @Optional()
  @Must(
    'must be an absolute https URL (http only on localhost, 127.0.0.1 or [::1], or with "allowInsecureHttp: true" in a closed ' +
      'test network) without query and fragment',
    isPlainHttpUrl,
  )
  issuer?: string | undefined;

  /**
   * Other instances whose tokens are accepted. A removed issuer is refused within 10 s.
   * @defaultValue `[]`
   */
  @Optional()
  @Must(
    'must be a list of issuers, or a function that returns one',
    (value) => Array.isArray(value) || typeof value === 'function',
  )
  trustedIssuers?: TrustedIssuers = [];

  /**
   * Path of a trusted issuer's key set, behind its issuer.
   * @defaultValue `'/auth/v2/.well-known/jwks.json'`
   */
  @Optional()
  @Must(
    'must be a path beginning with "/", such as "/auth/v2/.well-known/jwks.json"',
    (value) => isText(value) && isLocalPath(value) && !/[?#]/.test(value),
  )
  jwksPath?: string = '/auth/v2/.well-known/jwks.json';

  /**
   * Lifetime of a minted access token, in seconds; becomes `exp` (RFC 9068 §2.2), never past the session's end; 30 days at
   * most. Peers accept a token until then, even after its session was revoked here. Revocations are kept as long as the longest
   * token lives. In a running system another value counts at once; one of more than an hour that is higher than before counts with
   * the next signing key, which is then made and signs 90 minutes later.
   * @defaultValue `3600`
   */
  @Optional()
  @Must(
    `must be a whole number of seconds from 1 to ${LONGEST_TOKEN_LIFETIME_SEC} (30 days)`,
    within(1, LONGEST_TOKEN_LIFETIME_SEC),
  )
  accessTokenLifetimeSec?: number = USUAL_TOKEN_LIFETIME_SEC;

  /**
   * How long a replaced refresh token still gets its successor, in seconds: two tabs, a lost answer. A later use ends
   * the session. `0`: at once.
   * @defaultValue `30`
   */
  @Optional()
  @Must('must be a whole number of seconds from 0 to 3600', within(0, 3600))
  refreshGraceSec?: number = 30;

  /**
   * Absolute limit of a session, in seconds; no refresh moves it.
   * @defaultValue `2592000`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 315360000 (ten years)', within(1, 315_360_000))
  sessionLifetimeSec?: number = 2592000;

  /**
   * How long a session lives without a refresh, in seconds.
   * @defaultValue `1209600`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 315360000 (ten years)', within(1, 315_360_000))
  sessionIdleSec?: number = 1209600;

  /**
   * Whether a session remembers the address that it was begun from, encrypted like all that is personal, for the list that `OidcService.listSessions()`
   * gives. Behind a proxy that is what your HTTP adapter takes for the client's address (`trust proxy`, `trustProxy`). Off, no address is kept.
   * @defaultValue `false`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  sessionAddresses?: boolean = false;

  /**
   * How often expired rows are removed, in seconds; `0`: never. Rows stay at least a minute beyond their end, for instances whose
   * clocks differ; nothing finds them then.
   * @defaultValue `3600`
   */
  @Optional()
  @Must('must be a whole number of seconds from 0 (never) to 604800 (7 days)', within(0, 604_800))
  purgeIntervalSec?: number = 3600;

  /**
   * How often an instance pulls revocations, keys and trusted issuers, in seconds; 10 at most.
   * @defaultValue `5`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 10', within(1, 10))
  revocationPollSec?: number = 5;

  /**
   * Algorithm of minted tokens. Python peers accept `RS256` only.
   * @defaultValue `'RS256'`
   */
  @Optional()
  @Must('must be RS256, ES256 or EdDSA', (value) => isIn(value, ['RS256', 'ES256', 'EdDSA']))
  signingAlgorithm?: SigningAlgorithm = 'RS256';

  /**
   * How long a key signs before the next one takes over, in seconds. The next one is published 90 minutes ahead; the
   * old one until the last token that it signed has expired.
   * @defaultValue `7776000`
   */
  @Optional()
  @Must(
    'must be a whole number of seconds from 10800 (3 hours) to 315360000 (ten years)',
    within(10_800, 315_360_000),
  )
  keyLifetimeSec?: number = 7776000;

  /** Clients whose access tokens may be exchanged (RFC 8693). Default: our own client. */
  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  exchangeClients?: readonly string[] | undefined;

  /** Clients whose `resource_access` counts as roles. Default: our own client. */
  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  roleClients?: readonly string[] | undefined;

  /**
   * Scope that a caller of the introspection route must hold; list it in `additionalScopes` too, so that logins can ask for it.
   * Default: none, and the route answers 404.
   */
  @Optional()
  @Must('must be one scope', (value) => isText(value) && !value.includes(' ') && isScopeList(value))
  introspectionScope?: string | undefined;

  /**
   * Top-level claim of the identity provider that becomes `sub`, such as `preferred_username` in fleets with Python peers. A
   * login without it is refused; one by `email` or `phone_number` also unless `email_verified` or `phone_number_verified` is
   * `true` (OpenID Connect Core §5.1). Whatever can change hands at the provider changes hands here. With `tenants` it stands behind
   * the tenant's id: `<tenant>|<claim>`. Default: the provider's own `sub`.
   */
  @Optional()
  @Must('must be the name of a top-level claim, such as "preferred_username"', isText)
  subjectClaim?: string | undefined;

  /**
   * Adds claims to minted tokens, at each login, refresh and exchange. Names that the token itself needs (`iss`, `sub`,
   * `scope`, `exp`, …) are not taken from it.
   */
  @Optional()
  @Must('must be a function', (value) => typeof value === 'function')
  mapClaims?: ClaimsMapper | undefined;
}

/** Broker mode: the application mints its own tokens, and the provider's stay on the server. */
export interface BrokerOptions extends Written<BrokerGroup> {}
