import type { GrantOptions, OidcAuthOptions, RouteOptions } from './oidc-auth-options.js';

/** The only place where defaults live; a test compares them with the `@defaultValue` tags. */
export const optionDefaults = {
  scopes: 'profile email',
  additionalScopes: [],
  offlineAccess: true,
  allowedRedirectUris: [],
  loopbackRedirects: { paths: ['/callback'] },
  allowedPostLogoutRedirectUris: [],
  authorizationParameters: {},
  requireIssuerInCallback: true,
  allowInsecureHttp: false,
  timeoutMs: 10000,
  maxUpstreamCalls: 50,
  tokenAlgorithms: [
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ],
  clockToleranceSec: 5,
  maxTokenAgeSec: 2678400,
  maxTokenBytes: 12288,
  jwksStaleSec: 86400,
  jwksCooldownSec: 30,
} satisfies Partial<OidcAuthOptions>;

export const routeDefaults = {
  prefix: '',
  login: '/auth/v2/login',
  callback: '/auth/v2/callback',
  token: '/auth/v2/token',
  device: '/auth/v2/device',
  logout: '/auth/v2/logout',
  userinfo: '/auth/v2/userinfo',
  revoke: '/auth/v2/revoke',
} satisfies RouteOptions;

export const grantDefaults = {
  authorizationCode: true,
  refresh: true,
  device: true,
} satisfies GrantOptions;
