import type { BrokerOptions } from './broker-options.js';
import type { ApplicationOptions } from './oidc-auth-options.js';
import type { ProviderOptions } from './provider-options.js';
import type { GrantOptions, RouteOptions } from './route-options.js';
import type { SeveralProvidersOptions } from './several-providers.js';

/** The only place where defaults live; a test compares them with the `@defaultValue` tags. */
export const optionDefaults = {
  allowedRedirectUris: [],
  loopbackRedirects: { paths: ['/callback'] },
  allowedPostLogoutRedirectUris: [],
  allowInsecureHttp: false,
  clockToleranceSec: 5,
  maxTokenAgeSec: 2678400,
  maxTokenBytes: 12288,
  jwksStaleSec: 86400,
  jwksCooldownSec: 30,
  requestProperty: false,
  appName: 'nestjs-oidc-auth',
} satisfies Partial<ApplicationOptions>;

export const providerDefaults = {
  scopes: 'profile email',
  additionalScopes: [],
  offlineAccess: true,
  authorizationParameters: {},
  logoutParameters: {},
  requireIssuerInCallback: true,
  introspection: false,
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
} satisfies Partial<ProviderOptions>;

export const severalDefaults = {
  providersPollSec: 5,
} satisfies Partial<SeveralProvidersOptions>;

export const routeDefaults = {
  prefix: '',
  login: '/auth/v2/login',
  callback: '/auth/v2/callback',
  token: '/auth/v2/token',
  device: '/auth/v2/device',
  logout: '/auth/v2/logout',
  userinfo: '/auth/v2/userinfo',
  revoke: '/auth/v2/revoke',
  jwks: '/auth/v2/.well-known/jwks.json',
  introspect: '/auth/v2/introspect',
  backchannelLogout: '/auth/v2/backchannel-logout',
  providers: '/auth/v2/providers',
  metadata: true,
  apiTag: 'auth',
} satisfies RouteOptions;

export const grantDefaults = {
  authorizationCode: true,
  refresh: true,
  device: true,
  exchange: true,
} satisfies GrantOptions;

export const brokerDefaults = {
  trustedIssuers: [],
  jwksPath: '/auth/v2/.well-known/jwks.json',
  accessTokenLifetimeSec: 3600,
  refreshGraceSec: 30,
  sessionLifetimeSec: 2592000,
  sessionIdleSec: 1209600,
  purgeIntervalSec: 3600,
  revocationPollSec: 5,
  signingAlgorithm: 'RS256',
  keyLifetimeSec: 7776000,
} satisfies Partial<BrokerOptions>;

/** The most that `broker.accessTokenLifetimeSec` may be: 30 days. */
export const LONGEST_TOKEN_LIFETIME_SEC = 2_592_000;

/** What the host left out, or wrote as `undefined`, takes its default. */
export function withDefaults<Given extends object, Defaults extends object>(
  defaults: Defaults,
  given: Given,
): Defaults & Given {
  const written = { ...given };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) Reflect.deleteProperty(written, name);
  }
  return { ...defaults, ...written };
}
