import { type Dialect, refreshOnlyWith } from './dialect.js';

export const AUTHENTIK_CLIENT = 'authentik-client';

const person = {
  sub: 'hashed-user-id-of-alice',
  auth_time: 1_700_000_000,
  acr: 'goauthentik.io/providers/oauth2/default',
  amr: ['pwd'],
  sid: 'hashed-session',
  email: 'alice@example.org',
  email_verified: true,
  name: 'Alice Doe',
  given_name: 'Alice Doe',
  preferred_username: 'alice',
  nickname: 'alice',
  groups: ['admins'],
};

/**
 * authentik: an access token is the ID token with `azp` and `uid` besides. The issuer ends in a slash.
 *
 * https://docs.goauthentik.io/add-secure-apps/providers/oauth2/
 */
export const authentik: Dialect = {
  clientId: AUTHENTIK_CLIENT,
  path: '/application/o/my-app',
  issuer: ({ origin }) => `${origin}/application/o/my-app/`,
  metadata: (at) => ({
    issuer: `${at.origin}/application/o/my-app/`,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    userinfo_endpoint: at.userinfo,
    end_session_endpoint: at.endSession,
    introspection_endpoint: at.introspection,
    revocation_endpoint: at.revocation,
    device_authorization_endpoint: at.device,
    response_types_supported: ['code', 'id_token', 'id_token token', 'code token', 'code id_token'],
    jwks_uri: at.keys,
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'implicit',
      'client_credentials',
      'password',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    acr_values_supported: ['goauthentik.io/providers/oauth2/default'],
    scopes_supported: ['openid', 'email', 'profile', 'offline_access'],
    request_parameter_supported: false,
    claims_parameter_supported: false,
    code_challenge_methods_supported: ['plain', 'S256'],
  }),
  idToken: person,
  accessToken: ({ nonce }) => ({
    ...person,
    aud: AUTHENTIK_CLIENT,
    nonce,
    azp: AUTHENTIK_CLIENT,
    uid: 'random-text',
  }),
  rotates: true,
  tokenAnswer: (body) => {
    const usual = refreshOnlyWith('offline_access', body);
    return { ...usual, token_type: 'Bearer', expires_in: 300 };
  },
  userinfo: {
    sub: person.sub,
    email: person.email,
    email_verified: true,
    name: person.name,
    preferred_username: person.preferred_username,
    groups: person.groups,
  },
};
