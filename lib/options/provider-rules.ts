import type { OptionsUnderCheck } from './value-rules.js';
import { LOGOUT_TARGET } from './logout-parameters.js';
import { parseUrl } from './url-rules.js';

/** What may sign tokens at all (RFC 7518 §3.1); asymmetric ones only. */
export const SIGNATURE_ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

export const ALGORITHMS = `must be a list of at least one of ${SIGNATURE_ALGORITHMS.join(', ')}; "none" and HMAC are never accepted`;

export const isAlgorithm = (name: unknown): boolean =>
  typeof name === 'string' && SIGNATURE_ALGORITHMS.includes(name);

/** What logins set themselves. */
export const OWN_PARAMETERS = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
  'request',
  'request_uri',
]);

/** What no caller of the login route decides: what logins set themselves, what proves who we are, and what the route reads itself. */
export const NOT_FOR_CALLERS = new Set([
  ...OWN_PARAMETERS,
  'prompt',
  'resource',
  'dpop_jkt',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'grant_type',
  'code',
  'code_verifier',
  'id_token_hint',
  'registration',
  'iss',
  'target_link_uri',
  'return_to',
  'offline_access',
  'provider',
  'step_up',
]);

/** What the login route reads hyphens as, so that no name has any. */
export const isCallersParameter = (name: unknown): boolean =>
  typeof name === 'string' &&
  /^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(name) &&
  !NOT_FOR_CALLERS.has(name);

const LONGEST_RESOURCE = 2000;

/** One absolute URI, as a client may name a target with (RFC 8707 §2). */
export function isResourceUri(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > LONGEST_RESOURCE) return false;
  return /^[!-~]+$/.test(value) && !value.includes('#') && parseUrl(value) !== undefined;
}

/** One such URI, or some. */
export const isResource = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(isResourceUri) : isResourceUri(value);

/** OpenID Connect Core §2: claims that ID tokens have too. */
export const OF_ID_TOKENS = new Set(
  'iss sub aud exp iat nbf jti auth_time nonce acr amr azp at_hash c_hash sid'.split(' '),
);

/** What logouts set themselves. */
export const OWN_LOGOUT_PARAMETERS = new Set([
  'id_token_hint',
  'post_logout_redirect_uri',
  'client_id',
  'state',
]);

export const isLogoutParameter = (value: unknown): boolean =>
  typeof value === 'string' && !/[{}]/.test(value.replaceAll(LOGOUT_TARGET, ''));

/** What each way of proving ourselves needs. */
const NEEDED_BY: Readonly<Record<string, keyof OptionsUnderCheck | undefined>> = {
  client_secret_basic: 'clientSecret',
  client_secret_post: 'clientSecret',
  client_secret_jwt: 'clientSecret',
  private_key_jwt: 'clientKeys',
  tls_client_auth: 'fetch',
  self_signed_tls_client_auth: 'fetch',
  none: undefined,
};

/** Whether it is a way of proving ourselves, with what it needs beside it. */
export function isAuthentication(value: unknown, all: OptionsUnderCheck): boolean {
  if (typeof value !== 'string' || !Object.hasOwn(NEEDED_BY, value)) return false;
  const needed = NEEDED_BY[value];
  if (needed === undefined) return true;
  const given = all[needed];
  return given !== undefined && !(Array.isArray(given) && given.length === 0);
}

/** Seconds, as OpenID Connect Core §3.1.2.1 has them. */
export const isMaxAge = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{1,9}$/.test(value);
