import { isIn } from 'class-validator';
import { isIssuerList } from './access-token-issuers.js';
import { LOGOUT_TARGET } from './logout-parameters.js';
import { providerDefaults } from './option-defaults.js';
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
  within,
} from './value-rules.js';

const asymmetric: readonly unknown[] = providerDefaults.tokenAlgorithms;
const ALGORITHMS = `must be a list of at least one of ${asymmetric.join(', ')}; "none" and HMAC are never accepted`;
const isAlgorithm = (name: unknown) => asymmetric.includes(name);

const OWN_PARAMETERS = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
]);

/** OpenID Connect Core §2: claims that ID tokens have too. */
const OF_ID_TOKENS = new Set(
  'iss sub aud exp iat nbf jti auth_time nonce acr amr azp at_hash c_hash sid'.split(' '),
);

const OWN_LOGOUT_PARAMETERS = new Set([
  'id_token_hint',
  'post_logout_redirect_uri',
  'client_id',
  'state',
]);

const isLogoutParameter = (value: unknown) =>
  typeof value === 'string' && !/[{}]/.test(value.replaceAll(LOGOUT_TARGET, ''));

/** The rules of how calls to other servers are made. */
export class CallOptionRules {
  @Optional()
  @Must(
    'must be a function (url, init) => Promise<Response>',
    (value) => typeof value === 'function',
  )
  readonly fetch: unknown;

  @Optional()
  @Must('must be a whole number of milliseconds from 100 to 120000', within(100, 120_000))
  readonly timeoutMs: unknown;

  @Optional()
  @Must('must be a whole number from 1 to 10000', within(1, 10_000))
  readonly maxUpstreamCalls: unknown;
}

/** The rules of what belongs to one identity provider; values are read with `allowInsecureHttp` of the whole beside them. */
export class ProviderOptionRules extends CallOptionRules {
  readonly allowInsecureHttp: unknown;

  @Must('must be the client id that the identity provider issued: a non-empty string', isText)
  readonly clientId: unknown;

  @Optional()
  @Must('must be a non-empty string; leave it out for a public client', isText)
  readonly clientSecret: unknown;

  @Must(`must be ${HTTPS}, ending in /.well-known/openid-configuration`, isHttpUrl)
  readonly discoveryUrl: unknown;

  @Must(
    'must be the value that "aud" of your access tokens holds (a string or a list of strings), ' +
      'or false, written out, to accept tokens by their "azp" instead',
    (value) => value === false || isText(value) || (isTextList(value) && value.length > 0),
  )
  readonly audience: unknown;

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
  readonly accessTokenMark: unknown;

  @Optional()
  @Must('must be scopes separated by spaces (not commas), or a list of scopes', isScopeList)
  readonly scopes: unknown;

  @Optional()
  @Must('must be a list of scopes', (value) => Array.isArray(value) && isScopeList(value))
  readonly additionalScopes: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly offlineAccess: unknown;

  // Shape and emptiness are checked by parseClaimConstraint, which names the path.
  @Optional()
  @Must('must not be null; leave it out instead', (value) => value !== null)
  readonly claims: unknown;

  @Optional()
  @Must(
    'must be client_secret_basic, client_secret_post or none, and the first two need "clientSecret"',
    (value, all) =>
      value === 'none' ||
      (isIn(value, ['client_secret_basic', 'client_secret_post']) &&
        all.clientSecret !== undefined),
  )
  readonly clientAuthentication: unknown;

  @Optional()
  @Must(
    'must be an object of strings without the parameters that logins set themselves ' +
      `(${[...OWN_PARAMETERS].join(', ')})`,
    (value) =>
      isRecord(value) &&
      Object.values(value).every((entry) => typeof entry === 'string') &&
      Object.keys(value).every((key) => !OWN_PARAMETERS.has(key)),
  )
  readonly authorizationParameters: unknown;

  @Optional()
  @Must(
    `must be an object of strings, with no other placeholder than ${LOGOUT_TARGET}, and without the parameters that logouts set ` +
      `themselves (${[...OWN_LOGOUT_PARAMETERS].join(', ')})`,
    (value) =>
      isRecord(value) &&
      Object.values(value).every(isLogoutParameter) &&
      Object.keys(value).every((key) => !OWN_LOGOUT_PARAMETERS.has(key)),
  )
  readonly logoutParameters: unknown;

  @Optional()
  @Must(`must be ${HTTPS}, exactly as the discovery document publishes it`, isPlainHttpUrl)
  readonly issuer: unknown;

  @Optional()
  @Must(
    'must be a list of what access tokens of the provider hold as "iss", exactly: texts without blanks',
    isIssuerList,
  )
  readonly accessTokenIssuers: unknown;

  // What is in an object has rules of its own.
  @Optional()
  @Must(
    'must be true, false or an object such as { cacheSec: 30 }',
    (value) => isFlag(value) || isRecord(value),
  )
  readonly introspection: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly jwksUri: unknown;

  @Optional()
  @Must('must be an object of absolute URLs', isRecord)
  readonly endpoints: unknown;

  @Optional()
  @MustList(
    'must be a list of at least one tenant id (letters, digits, "-" and ".")',
    (tenant) => isText(tenant) && /^[A-Za-z0-9.-]+$/.test(tenant),
    { least: 1 },
  )
  readonly tenants: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly requireIssuerInCallback: unknown;

  @Optional()
  @MustList(ALGORITHMS, isAlgorithm, { least: 1 })
  readonly idTokenAlgorithms: unknown;

  @Optional()
  @MustList(ALGORITHMS, isAlgorithm, { least: 1 })
  readonly tokenAlgorithms: unknown;
}
