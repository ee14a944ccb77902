import type { Dialect } from './dialect.js';

export const GITLAB_CLIENT = 'gitlab-application-id';

const sub = '1234567';
const person = {
  sub,
  sub_legacy: '0000000000000000000000000000000000000000000000000000000000000000',
  name: 'Alice Doe',
  nickname: 'alice',
  preferred_username: 'alice',
  email: 'alice@example.org',
  email_verified: true,
  profile: 'https://gitlab.example.org/alice',
  picture: 'https://gitlab.example.org/alice.png',
};

/**
 * GitLab: access tokens are opaque; each refresh replaces both tokens; there is a refresh token without `offline_access`, which is no
 * scope of its; no end-session endpoint; the device endpoint is not in the metadata.
 *
 * Metadata: https://docs.gitlab.com/integration/openid_connect_provider/
 */
export const gitlab: Dialect = {
  clientId: GITLAB_CLIENT,
  issuer: ({ origin }) => origin,
  metadata: (at) => ({
    issuer: at.origin,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    revocation_endpoint: at.revocation,
    introspection_endpoint: at.introspection,
    userinfo_endpoint: at.userinfo,
    jwks_uri: at.keys,
    scopes_supported: ['api', 'read_api', 'read_user', 'openid', 'profile', 'email'],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claim_types_supported: ['normal'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'sub_legacy', 'name', 'groups'],
    code_challenge_methods_supported: ['plain', 'S256'],
  }),
  knownScopes: ['openid', 'profile', 'email', 'read_user'],
  rotates: true,
  // https://docs.gitlab.com/integration/openid_connect_provider/#shared-information
  idToken: { ...person, auth_time: 1_700_000_000, groups_direct: ['example/owners'] },
  accessToken: () => undefined,
  // https://docs.gitlab.com/api/oauth2/#authorization-code-flow
  tokenAnswer: ({ access_token, id_token, refresh_token, scope }) => ({
    access_token,
    token_type: 'Bearer',
    expires_in: 7200,
    refresh_token,
    scope,
    created_at: 1_700_000_000,
    id_token,
  }),
  userinfo: { ...person, groups: ['example', 'example/owners', 'example/owners/board'] },
};
