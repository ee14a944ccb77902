import { isIn } from 'class-validator';
import { LONGEST_TOKEN_LIFETIME_SEC } from './option-defaults.js';
import { isLocalPath } from './url-rules.js';
import {
  Must,
  MustList,
  Optional,
  isPlainHttpUrl,
  isScopeList,
  isText,
  within,
} from './value-rules.js';

/** The rules of `broker`; values are read with `allowInsecureHttp` of the whole beside them. */
export class BrokerOptionRules {
  readonly allowInsecureHttp: unknown;

  @Must(
    'must be the audience of minted tokens, the same one at every peer: a non-empty string',
    isText,
  )
  readonly audience: unknown;

  @Optional()
  @Must(
    'must be a URL (memory://, sqlite:///path, postgres://…, mysql://…, mongodb://…), TypeOrmBrokerStore, MongooseBrokerStore, ' +
      'or a class or an instance that extends BrokerStore',
    (value) =>
      isText(value) || typeof value === 'function' || (typeof value === 'object' && value !== null),
  )
  readonly store: unknown;

  @Optional()
  @Must(
    'must be an absolute https URL (http only on localhost, 127.0.0.1 or [::1], or with "allowInsecureHttp: true" in a closed ' +
      'test network) without query and fragment',
    isPlainHttpUrl,
  )
  readonly issuer: unknown;

  @Optional()
  @Must(
    'must be a list of issuers, or a function that returns one',
    (value) => Array.isArray(value) || typeof value === 'function',
  )
  readonly trustedIssuers: unknown;

  @Optional()
  @Must(
    'must be a path beginning with "/", such as "/auth/v2/.well-known/jwks.json"',
    (value) => isText(value) && isLocalPath(value) && !/[?#]/.test(value),
  )
  readonly jwksPath: unknown;

  @Optional()
  @Must(
    `must be a whole number of seconds from 1 to ${LONGEST_TOKEN_LIFETIME_SEC} (30 days)`,
    within(1, LONGEST_TOKEN_LIFETIME_SEC),
  )
  readonly accessTokenLifetimeSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 0 to 3600', within(0, 3600))
  readonly refreshGraceSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 315360000 (ten years)', within(1, 315_360_000))
  readonly sessionLifetimeSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 315360000 (ten years)', within(1, 315_360_000))
  readonly sessionIdleSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 0 (never) to 604800 (7 days)', within(0, 604_800))
  readonly purgeIntervalSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 10', within(1, 10))
  readonly revocationPollSec: unknown;

  @Optional()
  @Must('must be RS256, ES256 or EdDSA', (value) => isIn(value, ['RS256', 'ES256', 'EdDSA']))
  readonly signingAlgorithm: unknown;

  @Optional()
  @Must(
    'must be a whole number of seconds from 10800 (3 hours) to 315360000 (ten years)',
    within(10_800, 315_360_000),
  )
  readonly keyLifetimeSec: unknown;

  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  readonly exchangeClients: unknown;

  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  readonly roleClients: unknown;

  @Optional()
  @Must('must be one scope', (value) => isText(value) && !value.includes(' ') && isScopeList(value))
  readonly introspectionScope: unknown;

  @Optional()
  @Must('must be the name of a top-level claim, such as "preferred_username"', isText)
  readonly subjectClaim: unknown;

  @Optional()
  @Must('must be a function', (value) => typeof value === 'function')
  readonly mapClaims: unknown;
}
