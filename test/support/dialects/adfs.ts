import type { Dialect } from './dialect.js';

export const ADFS_CLIENT = '22222222-3333-4444-5555-666666666666';
export const ADFS_API = 'https://api.example.org';

/** `iss` of access tokens: the federation service's identifier, which is an http URL by default and is never fetched. */
export const ADFS_TRUST = 'http://adfs.example.org/adfs/services/trust';

const sub = 'placeholder+of/a+pairwise/subject=';

/**
 * AD FS 2019: access tokens have an issuer of their own, which the metadata names; userinfo takes no access token of an API, and
 * says `sub` alone; `offline_access` is no scope of its. Claims come by issuance rules of the API; a single group is a text.
 *
 * Metadata: https://learn.microsoft.com/windows-server/identity/ad-fs/development/ad-fs-openid-connect-oauth-concepts
 */
export const adfs: Dialect = {
  clientId: ADFS_CLIENT,
  path: '/adfs',
  issuer: ({ origin }) => `${origin}/adfs`,
  metadata: (at) => ({
    issuer: `${at.origin}/adfs`,
    authorization_endpoint: at.authorization,
    token_endpoint: at.token,
    jwks_uri: at.keys,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'client_secret_basic',
      'private_key_jwt',
      'windows_client_authentication',
    ],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'implicit',
      'password',
      'srv_challenge',
      'urn:ietf:params:oauth:grant-type:device_code',
      'device_code',
    ],
    subject_types_supported: ['pairwise'],
    scopes_supported: ['allatclaims', 'email', 'openid', 'profile', 'user_impersonation'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_signing_alg_values_supported: ['RS256'],
    access_token_issuer: ADFS_TRUST,
    claims_supported: ['aud', 'iss', 'iat', 'exp', 'auth_time', 'nonce', 'sub', 'upn', 'sid'],
    microsoft_multi_refresh_token: true,
    userinfo_endpoint: at.userinfo,
    capabilities: [],
    end_session_endpoint: at.endSession,
    as_access_token_token_binding_supported: true,
    resource_access_token_token_binding_supported: true,
    op_id_token_token_binding_supported: true,
    rp_id_token_token_binding_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    device_authorization_endpoint: at.device,
  }),
  knownScopes: ['openid', 'profile', 'email', 'allatclaims', `${ADFS_API}/openid`],
  idToken: {
    auth_time: 1_700_000_000,
    sub,
    upn: 'alice@corp.example.org',
    unique_name: String.raw`CORP\alice`,
    sid: 'S-1-5-21-1-2-3-1105',
    apptype: 'Confidential',
    appid: ADFS_CLIENT,
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    ver: '1.0',
    scp: 'openid',
  },
  accessToken: () => ({
    iss: ADFS_TRUST,
    aud: ADFS_API,
    sub,
    upn: 'alice@corp.example.org',
    groups: 'Orders Admins',
    apptype: 'Confidential',
    appid: ADFS_CLIENT,
    authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    auth_time: '2026-11-28T10:00:00.000Z',
    ver: '1.0',
    scp: 'openid profile email',
  }),
  tokenAnswer: ({ access_token, id_token, refresh_token }) => ({
    access_token,
    token_type: 'bearer',
    expires_in: 3600,
    resource: ADFS_API,
    refresh_token,
    refresh_token_expires_in: 28_799,
    scope: 'openid profile email',
    id_token,
  }),
  userinfo: 'refused',
};
