import type { RouteOptions } from './route-options.js';

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
  clientJwks: '/auth/v2/.well-known/client-jwks.json',
  introspect: '/auth/v2/introspect',
  backchannelLogout: '/auth/v2/backchannel-logout',
  providers: '/auth/v2/providers',
  session: '/auth/v2/session',
  metadata: true,
  apiTag: 'auth',
} satisfies RouteOptions;
