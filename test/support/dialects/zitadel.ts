import { type Dialect, refreshOnlyWith } from './dialect.js';

export const ZITADEL_CLIENT = '200000000000000001';
export const ZITADEL_PROJECT = '300000000000000001';
export const ZITADEL_ORGANISATION = '400000000000000001';
export const ZITADEL_DOMAIN = 'demo.zitadel.example.org';

/** Each role with the organisations that granted it, and their primary domains. */
export const ZITADEL_ROLES = 'urn:zitadel:iam:org:project:roles';

const sub = '500000000000000001';
const roles = {
  admin: { [ZITADEL_ORGANISATION]: ZITADEL_DOMAIN },
  reader: { [ZITADEL_ORGANISATION]: ZITADEL_DOMAIN },
};

/**
 * Zitadel with its defaults: opaque access tokens, ID tokens that say nothing of the user (userinfo does), and "Assert roles on
 * authentication" switched on in the project.
 *
 * Metadata: https://zitadel.com/docs/apis/openidoauth/endpoints
 */
export const zitadel: Dialect = {
  clientId: ZITADEL_CLIENT,
  issuer: ({ origin }) => origin,
  metadata: (at) => ({
    issuer: at.origin,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    introspection_endpoint: at.introspection,
    userinfo_endpoint: at.userinfo,
    revocation_endpoint: at.revocation,
    end_session_endpoint: at.endSession,
    device_authorization_endpoint: at.device,
    jwks_uri: at.keys,
    scopes_supported: ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'],
    response_types_supported: ['code', 'id_token', 'id_token token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: [
      'authorization_code',
      'implicit',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ],
    code_challenge_methods_supported: ['S256'],
    request_parameter_supported: true,
  }),
  // https://zitadel.com/docs/apis/openidoauth/claims
  idToken: { sub, azp: ZITADEL_CLIENT, amr: ['pwd'], auth_time: 1_700_000_000 },
  accessToken: () => undefined,
  rotates: true,
  tokenAnswer: (body) => {
    const { scope: _scope, ...usual } = refreshOnlyWith('offline_access', body);
    return { ...usual, expires_in: 43_199 };
  },
  userinfo: {
    sub,
    name: 'Alice Doe',
    given_name: 'Alice',
    family_name: 'Doe',
    preferred_username: 'alice@demo.zitadel.example.org',
    email: 'alice@example.org',
    email_verified: true,
    locale: null,
    updated_at: 1_700_000_000,
    [ZITADEL_ROLES]: roles,
    [`urn:zitadel:iam:org:project:${ZITADEL_PROJECT}:roles`]: roles,
  },
};

/**
 * An application whose "Auth Token Type" is JWT. `aud` lists the project and the applications in it.
 *
 * https://zitadel.com/docs/apis/openidoauth/claims
 */
export const zitadelJwt: Dialect = {
  ...zitadel,
  accessToken: () => ({
    sub,
    aud: [ZITADEL_CLIENT, ZITADEL_PROJECT],
    azp: ZITADEL_CLIENT,
    jti: 'V2_600000000000000001-at_600000000000000002',
    [ZITADEL_ROLES]: roles,
    [`urn:zitadel:iam:org:project:${ZITADEL_PROJECT}:roles`]: roles,
  }),
};
