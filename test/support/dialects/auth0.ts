import { type Dialect, refreshOnlyWith } from './dialect.js';

export const AUTH0_CLIENT = 'auth0-client-id';
/** The identifier of an API that is registered at Auth0. */
export const AUTH0_API = 'https://api.example.org';
/** Custom claims get a namespace: an address of one's own, which need not answer. */
export const AUTH0_ROLES = 'https://app.example.org/roles';

const sub = 'auth0|0000000000000000000a11ce';

/**
 * Auth0: the issuer ends in a slash, its discovery address has one slash only. Without `audience` in the authorization
 * request access tokens are opaque.
 *
 * Metadata: https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery
 */
export const auth0: Dialect = {
  clientId: AUTH0_CLIENT,
  issuer: ({ origin }) => `${origin}/`,
  metadata: (at) => ({
    issuer: `${at.origin}/`,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    device_authorization_endpoint: at.device,
    userinfo_endpoint: at.userinfo,
    mfa_challenge_endpoint: `${at.origin}/mfa/challenge`,
    jwks_uri: at.keys,
    registration_endpoint: `${at.origin}/oidc/register`,
    revocation_endpoint: at.revocation,
    scopes_supported: ['openid', 'profile', 'offline_access', 'name', 'nickname', 'email'],
    response_types_supported: ['code', 'token', 'id_token', 'code token', 'code id_token'],
    code_challenge_methods_supported: ['S256', 'plain'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['HS256', 'RS256', 'PS256'],
    token_endpoint_auth_methods_supported: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ],
    request_uri_parameter_supported: false,
    request_parameter_supported: false,
    // https://auth0.com/docs/authenticate/login/logout/log-users-out-of-auth0
    end_session_endpoint: at.endSession,
  }),
  // https://auth0.com/docs/secure/tokens/id-tokens/id-token-structure
  // https://auth0.com/docs/secure/tokens/json-web-tokens/create-custom-claims
  idToken: {
    sub,
    nickname: 'alice',
    name: 'alice@example.org',
    picture: 'https://example.org/alice.png',
    updated_at: '2026-01-01T00:00:00.000Z',
    email: 'alice@example.org',
    email_verified: true,
    sid: 'session-id-at-auth0',
    [AUTH0_ROLES]: ['admin'],
  },
  // https://auth0.com/docs/secure/tokens/access-tokens
  // https://auth0.com/docs/get-started/apis/enable-role-based-access-control-for-apis
  accessToken: ({ audience, scope = '' }) =>
    audience === undefined
      ? undefined
      : {
          sub,
          aud: [audience, 'https://tenant.example.auth0.com/userinfo'],
          scope,
          azp: AUTH0_CLIENT,
          permissions: ['read:orders'],
          [AUTH0_ROLES]: ['admin'],
        },
  // https://auth0.com/docs/get-started/authentication-and-authorization-flow/authorization-code-flow/call-your-api-using-the-authorization-code-flow
  tokenAnswer: (body) => {
    const usual = refreshOnlyWith('offline_access', body);
    return { ...usual, expires_in: 86_400 };
  },
  userinfo: {
    sub,
    nickname: 'alice',
    name: 'alice@example.org',
    email: 'alice@example.org',
    email_verified: true,
    [AUTH0_ROLES]: ['admin'],
  },
};

/**
 * What tenants get that were made later: an encrypted token (JWE, `dir`) for Auth0's own userinfo endpoint. Five parts, the
 * second one empty.
 *
 * https://auth0.com/docs/secure/tokens/access-tokens
 */
export function auth0EncryptedToken(issuer: string): string {
  const header = { alg: 'dir', enc: 'A256GCM', iss: issuer };
  const parts = [JSON.stringify(header), '', 'twelve bytes', 'ciphertext', 'authentication tag'];
  return parts.map((part) => Buffer.from(part).toString('base64url')).join('.');
}
