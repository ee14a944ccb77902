import { isIn } from 'class-validator';
import { isIssuerList } from './access-token-issuers.js';
import { LOGOUT_TARGET } from './logout-parameters.js';
import { optionDefaults } from './option-defaults.js';
import { repeatsItself } from './secret.js';
import { isLocalPath } from './url-rules.js';
import {
  Must,
  MustList,
  Optional,
  isFlag,
  isHttpUrl,
  isLogoutTarget,
  isPlainHttpUrl,
  isRecord,
  isRequestProperty,
  isRedirectUri,
  isScopeList,
  isText,
  isTextList,
  within,
} from './value-rules.js';

const asymmetric: readonly unknown[] = optionDefaults.tokenAlgorithms;
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

const HTTPS =
  'an absolute https URL (http only on localhost, 127.0.0.1 or [::1], or with "allowInsecureHttp: true" in a closed test network)';

/** The rules of every option of `OidcAuthOptions`, one property each; unknown ones are refused by name. */
export class OidcAuthOptionRules {
  @Must('must be the client id that the identity provider issued: a non-empty string', isText)
  readonly clientId: unknown;

  @Optional()
  @Must('must be a non-empty string; leave it out for a public client', isText)
  readonly clientSecret: unknown;

  @Must(`must be ${HTTPS}, ending in /.well-known/openid-configuration`, isHttpUrl)
  readonly discoveryUrl: unknown;

  @Optional()
  @Must(`must be ${HTTPS}, without query and fragment`, isPlainHttpUrl)
  readonly publicUrl: unknown;

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
  @MustList(
    'must be a list of exact redirect URIs as `new URL(uri).href` writes them, without query and fragment, ' +
      'https (http on loopback only, or with "allowInsecureHttp: true") or a private scheme such as com.example.app:/callback',
    isRedirectUri,
  )
  readonly allowedRedirectUris: unknown;

  @Optional()
  @Must(
    'must be false or { paths: ["/callback", …] } with plain paths beginning with "/"',
    (value) =>
      value === false ||
      (isRecord(value) &&
        Object.keys(value).every((key) => key === 'paths') &&
        isTextList(value['paths']) &&
        value['paths'].every((path) => isLocalPath(path) && !/[?#|]/.test(path))),
  )
  readonly loopbackRedirects: unknown;

  @Optional()
  @MustList(
    `must be a list of paths beginning with one "/", without ".", ".." and what a URL encodes, or of ${HTTPS}`,
    isLogoutTarget,
  )
  readonly allowedPostLogoutRedirectUris: unknown;

  // forRoot takes it out before options come here.
  @Optional()
  @Must(
    'decides which controllers exist, so it stands beside useFactory, not in what the factory returns',
    () => false,
  )
  readonly routes: unknown;

  @Optional()
  @Must('must be an object such as { refresh: false }', isRecord)
  readonly grants: unknown;

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
  @Must(
    'must be a function (url, init) => Promise<Response>',
    (value) => typeof value === 'function',
  )
  readonly fetch: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly allowInsecureHttp: unknown;

  @Optional()
  @MustList(
    'must be a list of strings of 32 characters and more that do not repeat themselves, e.g. the output of ' +
      '`openssl rand -base64 32`',
    (key) => isText(key) && key.length >= 32 && !repeatsItself(key),
    { least: 1 },
  )
  readonly encryptionKeys: unknown;

  @Optional()
  @Must('must be a whole number of milliseconds from 100 to 120000', within(100, 120_000))
  readonly timeoutMs: unknown;

  @Optional()
  @Must('must be a whole number from 1 to 10000', within(1, 10_000))
  readonly maxUpstreamCalls: unknown;

  @Optional()
  @MustList(ALGORITHMS, isAlgorithm, { least: 1 })
  readonly idTokenAlgorithms: unknown;

  @Optional()
  @MustList(ALGORITHMS, isAlgorithm, { least: 1 })
  readonly tokenAlgorithms: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 0 to 300', within(0, 300))
  readonly clockToleranceSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 31622400 (a year)', within(1, 31_622_400))
  readonly maxTokenAgeSec: unknown;

  @Optional()
  @Must('must be a whole number of bytes from 256 to 1048576', within(256, 1_048_576))
  readonly maxTokenBytes: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 0 to 2592000 (30 days)', within(0, 2_592_000))
  readonly jwksStaleSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 3600', within(1, 3600))
  readonly jwksCooldownSec: unknown;

  @Optional()
  @Must('must be a function', (value) => typeof value === 'function')
  readonly onLogin: unknown;

  @Optional()
  @Must(
    'must be false, or a name such as "user" that requests do not have of themselves',
    (value) => value === false || isRequestProperty(value),
  )
  readonly requestProperty: unknown;

  @Optional()
  @Must(
    'must be an object such as { audience: "myapp-api" }; leave it out for passthrough mode',
    isRecord,
  )
  readonly broker: unknown;

  @Optional()
  @Must(
    'must be a name for a folder: letters, digits, "-", "_" and ".", beginning with a letter or digit',
    (value) => typeof value === 'string' && /^[A-Za-z0-9][\w.-]{0,99}$/.test(value),
  )
  readonly appName: unknown;
}

export class GrantOptionRules {
  @Optional()
  @Must('must be true or false', isFlag)
  readonly authorizationCode: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly refresh: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly device: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly exchange: unknown;
}

/** Values are read with `allowInsecureHttp` of the whole beside them. */
export class EndpointOptionRules {
  readonly allowInsecureHttp: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly authorization: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly token: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly deviceAuthorization: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly userinfo: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly revocation: unknown;

  @Optional()
  @Must(`must be ${HTTPS}`, isHttpUrl)
  readonly endSession: unknown;
}
