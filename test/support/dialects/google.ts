import type { Dialect } from './dialect.js';

export const GOOGLE_CLIENT = 'placeholder.apps.googleusercontent.com';

const sub = '110000000000000000001';

/**
 * Google: access tokens are opaque; `offline_access` is no scope of its, a refresh token comes with `access_type=offline`, and only
 * when the user is asked for consent; no end-session endpoint.
 *
 * Metadata: https://developers.google.com/identity/openid-connect/reference
 */
export const google: Dialect = {
  clientId: GOOGLE_CLIENT,
  issuer: ({ origin }) => origin,
  metadata: (at) => ({
    issuer: at.origin,
    authorization_endpoint: at.authorization,
    device_authorization_endpoint: at.device,
    token_endpoint: at.token,
    userinfo_endpoint: at.userinfo,
    revocation_endpoint: at.revocation,
    jwks_uri: at.keys,
    response_types_supported: ['code', 'token', 'id_token', 'code token', 'code id_token', 'none'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    authorization_response_iss_parameter_supported: true,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    claims_supported: ['aud', 'email', 'email_verified', 'exp', 'iat', 'iss', 'name', 'sub'],
    code_challenge_methods_supported: ['plain', 'S256'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ],
  }),
  sendsIssuer: true,
  knownScopes: ['openid', 'email', 'profile'],
  // https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
  idToken: {
    azp: GOOGLE_CLIENT,
    sub,
    hd: 'example.org',
    email: 'alice@example.org',
    email_verified: true,
    at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
    name: 'Alice Doe',
    picture: 'https://example.org/alice.png',
    given_name: 'Alice',
    family_name: 'Doe',
  },
  accessToken: () => undefined,
  // https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code
  tokenAnswer: ({ access_token, id_token, refresh_token, token_type }, { access_type }) => ({
    access_token,
    id_token,
    token_type,
    expires_in: 3599,
    scope:
      'openid https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/userinfo.email',
    ...(access_type === 'offline' ? { refresh_token } : {}),
  }),
  userinfo: {
    sub,
    name: 'Alice Doe',
    given_name: 'Alice',
    family_name: 'Doe',
    picture: 'https://example.org/alice.png',
    email: 'alice@example.org',
    email_verified: true,
    hd: 'example.org',
  },
};
