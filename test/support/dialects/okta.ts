import { type Dialect, refreshOnlyWith } from './dialect.js';

export const OKTA_CLIENT = '0oaplaceholderclient';
export const OKTA_AUDIENCE = 'api://default';

/** The user's id at Okta; ID tokens and userinfo have it as `sub`, access tokens as `uid`. */
export const OKTA_USER = '00uplaceholderuser';

/**
 * Okta with its custom authorization server `default`, to which a claim `groups` was added, for ID tokens ("always") and access
 * tokens. Access tokens name their user by the login name: `sub` is not that of the ID token.
 *
 * Metadata: https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS/#tag/CustomAS/operation/getWellKnownOpenIDConfigurationCustomAS
 */
export const okta: Dialect = {
  clientId: OKTA_CLIENT,
  path: '/oauth2/default',
  issuer: ({ origin }) => `${origin}/oauth2/default`,
  metadata: (at) => ({
    issuer: `${at.origin}/oauth2/default`,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    userinfo_endpoint: at.userinfo,
    registration_endpoint: `${at.origin}/oauth2/v1/clients`,
    jwks_uri: at.keys,
    response_types_supported: ['code', 'id_token', 'code id_token', 'code token'],
    response_modes_supported: ['query', 'fragment', 'form_post', 'okta_post_message'],
    grant_types_supported: [
      'authorization_code',
      'implicit',
      'refresh_token',
      'password',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
    token_endpoint_auth_methods_supported: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'none',
    ],
    code_challenge_methods_supported: ['S256'],
    introspection_endpoint: at.introspection,
    revocation_endpoint: at.revocation,
    end_session_endpoint: at.endSession,
    request_parameter_supported: true,
    device_authorization_endpoint: at.device,
  }),
  // https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#id-token-payload
  idToken: {
    ver: 1,
    sub: OKTA_USER,
    jti: 'ID.placeholder',
    amr: ['pwd'],
    idp: '00oplaceholderidp',
    auth_time: 1_700_000_000,
    name: 'Alice Doe',
    email: 'alice@example.org',
    preferred_username: 'alice@example.org',
    groups: ['Everyone', 'Admins'],
  },
  // https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token-payload
  // `sub`: "(appuser != null) ? appuser.userName : app.clientId" unless changed
  // https://developer.okta.com/docs/api/openapi/okta-management/management/tag/AuthorizationServerClaims
  accessToken: ({ scope = '' }) => ({
    ver: 1,
    jti: 'AT.placeholder',
    aud: OKTA_AUDIENCE,
    sub: 'alice@example.org',
    cid: OKTA_CLIENT,
    uid: OKTA_USER,
    scp: scope.split(' '),
    auth_time: 1_700_000_000,
    groups: ['Everyone', 'Admins'],
  }),
  tokenAnswer: (body) => {
    const usual = refreshOnlyWith('offline_access', body);
    return { ...usual, expires_in: 3600 };
  },
  userinfo: {
    sub: OKTA_USER,
    name: 'Alice Doe',
    preferred_username: 'alice@example.org',
    given_name: 'Alice',
    family_name: 'Doe',
    email: 'alice@example.org',
    email_verified: true,
    zoneinfo: 'America/Los_Angeles',
    updated_at: 1_700_000_000,
  },
};
