import { type Dialect, refreshOnlyWith } from './dialect.js';

export const CASDOOR_CLIENT = 'casdoor-client';

/**
 * Casdoor, with the token format JWT: the ID token is the access token, the whole user is in it, and refresh tokens are JWTs that
 * differ by `tokenType` alone.
 *
 * https://casdoor.org/docs/token/overview
 */
export const casdoor: Dialect = {
  clientId: CASDOOR_CLIENT,
  issuer: ({ origin }) => origin,
  metadata: (at) => ({
    issuer: at.origin,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    userinfo_endpoint: at.userinfo,
    device_authorization_endpoint: at.device,
    registration_endpoint: `${at.origin}/api/oauth/register`,
    jwks_uri: at.keys,
    introspection_endpoint: at.introspection,
    response_types_supported: ['code', 'token', 'id_token', 'code token', 'none'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'implicit', 'password', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'RS512', 'ES256', 'ES384', 'ES512'],
    scopes_supported: ['openid', 'email', 'profile', 'address', 'phone', 'offline_access'],
    code_challenge_methods_supported: ['S256'],
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: ['HS256', 'HS384', 'HS512'],
    end_session_endpoint: at.endSession,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  }),
  idToken: { sub: 'id-of-alice' }, // the token answer puts the access token in its place
  accessToken: ({ nonce, scope = '' }) => ({
    sub: 'id-of-alice',
    aud: [CASDOOR_CLIENT],
    jti: 'admin/placeholder',
    owner: 'built-in',
    name: 'alice',
    displayName: 'Alice Doe',
    email: 'alice@example.org',
    email_verified: true,
    address: [],
    groups: ['built-in/admins'],
    roles: [{ owner: 'built-in', name: 'admins', isEnabled: true }],
    permissions: [],
    tag: '',
    tokenType: 'access-token',
    nonce,
    scope,
    azp: CASDOOR_CLIENT,
  }),
  tokenAnswer: (body) => {
    const usual = refreshOnlyWith('offline_access', body);
    return { ...usual, id_token: body['access_token'], expires_in: 604_800 };
  },
  userinfo: {
    sub: 'id-of-alice',
    iss: 'placeholder',
    aud: CASDOOR_CLIENT,
    preferred_username: 'alice',
    name: 'Alice Doe',
    email: 'alice@example.org',
    email_verified: true,
    groups: ['built-in/admins'],
  },
};
