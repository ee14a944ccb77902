import type { Written } from './option-group.js';
import { Must, Optional, isFlag } from './value-rules.js';

/** A path beginning with `/`, or `false`: the route does not exist. */
export type RoutePath = string | false;

/** Where each route answers; decides which controllers exist, so it is static in `forRootAsync` too. */
export interface RouteOptions {
  /**
   * Put before every path below, after the host's global prefix.
   * @defaultValue `''`
   */
  prefix?: string;
  /** @defaultValue `'/auth/v2/login'` */
  login?: RoutePath;
  /**
   * Of the provider named `default`; every other one has `<path>/<name>`.
   * @defaultValue `'/auth/v2/callback'`
   */
  callback?: RoutePath;
  /** @defaultValue `'/auth/v2/token'` */
  token?: RoutePath;
  /**
   * `false`: no device logins by this route. Where there is a login route, the default path then answers 503: the Python client
   * looks there first, takes a 503 for "use the browser", and gives up on anything else. `grants: { device: false }` does that at
   * the route's own path, and switches the grant off too.
   * @defaultValue `'/auth/v2/device'`
   */
  device?: RoutePath;
  /** @defaultValue `'/auth/v2/logout'` */
  logout?: RoutePath;
  /** @defaultValue `'/auth/v2/userinfo'` */
  userinfo?: RoutePath;
  /** @defaultValue `'/auth/v2/revoke'` */
  revoke?: RoutePath;
  /**
   * The public keys of minted tokens; answers 404 without `broker`. In broker mode they are also at
   * `<iss>/auth/v2/.well-known/jwks.json`, where peers look.
   * @defaultValue `'/auth/v2/.well-known/jwks.json'`
   */
  jwks?: RoutePath;
  /**
   * The public parts of `clientKeys`, for providers to fetch as our `jwks_uri`; answers 404 without any.
   * @defaultValue `'/auth/v2/.well-known/client-jwks.json'`
   */
  clientJwks?: RoutePath;
  /**
   * RFC 7662; answers 404 unless `broker.introspectionScope` is set.
   * @defaultValue `'/auth/v2/introspect'`
   */
  introspect?: RoutePath;
  /**
   * OpenID Connect Back-Channel Logout 1.0; answers 404 without `broker`.
   * @defaultValue `'/auth/v2/backchannel-logout'`
   */
  backchannelLogout?: RoutePath;
  /**
   * The identity providers, for login pages; without a login route there is none by default. Where the option `providers` is a function
   * it answers 404 unless a path is written here.
   * @defaultValue `'/auth/v2/providers'`
   */
  providers?: RoutePath;
  /**
   * Who is logged in by cookie; there is none without the option `session`. In `forRootAsync` it then answers 404.
   * @defaultValue `'/auth/v2/session'`
   */
  session?: RoutePath;
  /**
   * `false`: neither `<iss>/.well-known/openid-configuration` (broker mode, RFC 8414) nor
   * `/.well-known/oauth-protected-resource` (RFC 9728) answers.
   * @defaultValue `true`
   */
  metadata?: boolean;
  /**
   * The tag of these routes in an OpenAPI document that `@nestjs/swagger` makes.
   * @defaultValue `'auth'`
   */
  apiTag?: string;
}

/** Which grants the token route serves. A grant that is off answers 400 `unsupported_grant_type`. */
export class GrantGroup {
  /** @defaultValue `true` */
  @Optional()
  @Must('must be true or false', isFlag)
  authorizationCode?: boolean = true;

  /** @defaultValue `true` */
  @Optional()
  @Must('must be true or false', isFlag)
  refresh?: boolean = true;

  /**
   * `false`: the device route answers 503 too, and clients take their browser.
   * @defaultValue `true`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  device?: boolean = true;

  /**
   * RFC 8693; broker mode only.
   * @defaultValue `true`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  exchange?: boolean = true;
}

/** Which grants the token route serves. A grant that is off answers 400 `unsupported_grant_type`. */
export interface GrantOptions extends Written<GrantGroup> {}
