import { type Dialect, refreshOnlyWith } from './dialect.js';

/** Placeholders: of a tenant, of one that is not listed, and of the application. */
export const ENTRA_TENANT = '11111111-2222-3333-4444-555555555555';
export const ENTRA_OTHER_TENANT = '99999999-aaaa-bbbb-cccc-dddddddddddd';
export const ENTRA_CLIENT = '00000000-1111-2222-3333-444444444444';
export const ENTRA_SCOPE = `api://${ENTRA_CLIENT}/access_as_user`;

const person = {
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  oid: '00000000-0000-0000-66f3-3332eca7ea81',
  name: 'Alice Doe',
  preferred_username: 'alice@example.org',
  tid: ENTRA_TENANT,
  ver: '2.0',
};

/**
 * Entra ID (Microsoft identity platform v2.0) under `organizations`: the issuer is a template. No revocation endpoint, no
 * `code_challenge_methods_supported`, no `iss` in authorization responses.
 *
 * Metadata: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
 */
export const entra: Dialect = {
  clientId: ENTRA_CLIENT,
  path: '/organizations/v2.0',
  issuer: ({ origin }) => `${origin}/${ENTRA_TENANT}/v2.0`,
  metadata: (at) => ({
    token_endpoint: at.token,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'private_key_jwt',
      'client_secret_basic',
    ],
    jwks_uri: at.keys,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${at.origin}/{tenantid}/v2.0`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: at.userinfo,
    authorization_endpoint: at.authorization,
    device_authorization_endpoint: at.device,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: at.endSession,
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
    cloud_graph_host_name: 'graph.windows.net',
    msgraph_host: 'graph.microsoft.com',
  }),
  // https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
  idToken: { ...person, rh: '0.opaque', uti: 'opaque', roles: ['Orders.Admin'] },
  // https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
  accessToken: () => ({
    ...person,
    aud: ENTRA_CLIENT,
    aio: 'opaque',
    azp: ENTRA_CLIENT,
    azpacr: '1',
    rh: '0.opaque',
    roles: ['Orders.Admin'],
    scp: 'access_as_user',
    uti: 'opaque',
  }),
  // https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#successful-response-2
  tokenAnswer: (body) => {
    const usual = refreshOnlyWith('offline_access', body);
    return { ...usual, expires_in: 3599, ext_expires_in: 3599, scope: ENTRA_SCOPE };
  },
  // It is Microsoft Graph's: a token for another API is refused there.
  // https://learn.microsoft.com/entra/identity-platform/userinfo
  userinfo: 'refused',
};

/**
 * What an application gets that left `requestedAccessTokenVersion` unset: tokens of version 1.0, of another issuer.
 *
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export const entraVersion1Claims = {
  iss: `https://sts.windows.net/${ENTRA_TENANT}/`,
  aud: `api://${ENTRA_CLIENT}`,
  appid: ENTRA_CLIENT,
  appidacr: '1',
  upn: 'alice@example.org',
  scp: 'access_as_user',
  sub: person.sub,
  tid: ENTRA_TENANT,
  ver: '1.0',
};
