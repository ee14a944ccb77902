import { type Dialect, refreshOnlyWith } from './dialect.js';

export const DEX_CLIENT = 'dex-client';

const person = {
  sub: 'CgVhbGljZRIFbG9jYWw',
  email: 'alice@example.org',
  email_verified: true,
  groups: ['admins'],
  name: 'Alice Doe',
  preferred_username: 'alice',
};

/**
 * dex: an access token is an ID token that is bound to a random value instead of an access token. Neither has a `typ`.
 *
 * Metadata and tokens: https://dexidp.io/docs/configuration/tokens/
 */
export const dex: Dialect = {
  clientId: DEX_CLIENT,
  path: '/dex',
  issuer: ({ origin }) => `${origin}/dex`,
  metadata: (at) => ({
    issuer: `${at.origin}/dex`,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    jwks_uri: at.keys,
    userinfo_endpoint: at.userinfo,
    device_authorization_endpoint: at.device,
    introspection_endpoint: at.introspection,
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ],
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256', 'plain'],
    scopes_supported: ['openid', 'email', 'groups', 'profile', 'offline_access'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  }),
  idToken: { ...person, at_hash: 'hash-of-access-token', c_hash: 'hash-of-code' },
  accessToken: ({ nonce }) => ({
    ...person,
    aud: DEX_CLIENT,
    nonce,
    at_hash: 'hash-of-nothing',
    jti: 'placeholder',
  }),
  knownScopes: ['openid', 'email', 'groups', 'profile', 'offline_access'],
  rotates: true,
  tokenAnswer: (body) => {
    const { scope: _scope, ...usual } = refreshOnlyWith('offline_access', body);
    return { ...usual, token_type: 'bearer', expires_in: 86_399 };
  },
  userinfo: person,
};
