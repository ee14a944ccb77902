import { LOGOUT_TARGET } from './logout-parameters.js';

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
  'request',
  'request_uri',
]);

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
