import type { Dialect } from './dialect.js';

export const COGNITO_CLIENT = '1example23456789';
export const COGNITO_SCOPE = 'orders-api/read';

const sub = 'aaaaaaaa-bbbb-cccc-dddd-example11111';

/**
 * Amazon Cognito: access tokens have no `aud`; groups are called `cognito:groups`; `offline_access` is no scope of its; userinfo
 * says `email_verified` in a text; its logout wants `logout_uri`.
 *
 * Metadata: https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
 */
export const cognito: Dialect = {
  clientId: COGNITO_CLIENT,
  path: '/us-east-1_Example',
  issuer: ({ origin }) => `${origin}/us-east-1_Example`,
  metadata: (at) => ({
    authorization_endpoint: at.authorization,
    end_session_endpoint: at.endSession,
    id_token_signing_alg_values_supported: ['RS256'],
    issuer: `${at.origin}/us-east-1_Example`,
    jwks_uri: at.keys,
    response_types_supported: ['code', 'token'],
    revocation_endpoint: at.revocation,
    scopes_supported: ['openid', 'email', 'phone', 'profile'],
    subject_types_supported: ['public'],
    token_endpoint: at.token,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    userinfo_endpoint: at.userinfo,
  }),
  knownScopes: ['openid', 'email', 'phone', 'profile', COGNITO_SCOPE],
  // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
  idToken: {
    sub,
    'cognito:groups': ['orders-admins'],
    email_verified: true,
    'cognito:username': 'alice',
    given_name: 'Alice',
    origin_jti: 'placeholder',
    event_id: 'placeholder',
    token_use: 'id',
    auth_time: 1_700_000_000,
    email: 'alice@example.org',
  },
  // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
  accessToken: ({ scope = '' }) => ({
    sub,
    device_key: 'placeholder',
    'cognito:groups': ['orders-admins'],
    version: 2,
    client_id: COGNITO_CLIENT,
    origin_jti: 'placeholder',
    event_id: 'placeholder',
    token_use: 'access',
    scope,
    auth_time: 1_700_000_000,
    jti: 'placeholder',
    username: 'alice',
  }),
  tokenAnswer: ({ access_token, id_token, refresh_token }) => ({
    access_token,
    id_token,
    refresh_token,
    token_type: 'Bearer',
    expires_in: 3600,
  }),
  userinfo: {
    sub,
    email_verified: 'true',
    given_name: 'Alice',
    family_name: 'Doe',
    email: 'alice@example.org',
    username: 'alice',
  },
};
