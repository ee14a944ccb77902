import { Inject, Injectable, RequestMethod } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { MOUNT_PATH, RESOLVED_OPTIONS } from './options.token.js';
import type { ResolvedOptions } from './resolve-options.js';
import { DEFAULT_PROVIDER } from './resolve-provider.js';
import { type RouteName, brokerRoutes, formRoutes, routeNames } from './resolve-routes.js';

/** Where RFC 9728 §3.1 wants the metadata of a protected resource, on our origin. */
export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource';

/**
 * Where our routes are, seen from outside: `publicUrl` + the host's global prefix + the path of its RouterModule +
 * `routes.prefix` + path. Read at each call, because a host sets its global prefix after the container was built.
 */
@Injectable()
export class PublicUrls {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(MOUNT_PATH) private readonly mountPath: () => string,
    private readonly application: ApplicationConfig,
  ) {}

  /**
   * Path of a route on this server, with all that the host put before it, or `undefined` when it is switched off, or of another mode.
   *
   * @param below what stands behind the route's own path.
   */
  path(route: RouteName, below = ''): string | undefined {
    const own = this.options.routes[route];
    if (own === undefined) return undefined;
    if (this.options.broker === undefined && brokerRoutes.includes(route)) return undefined;
    if (this.options.session === undefined && route === 'session') return undefined;
    const path = this.mountPath() + own + below;
    const prefix = this.application.getGlobalPrefix().replace(/^\/+|\/+$/g, '');
    return prefix === '' || this.#isExcluded(route, path) ? path : `/${prefix}${path}`;
  }

  /** The paths of all routes that there may be, without what the host puts before them. */
  ownPaths(): readonly string[] {
    return routeNames.flatMap((route) => this.options.routes[route] ?? []);
  }

  /** Our own redirect URI for logins with that provider, or `undefined` without a callback route (RFC 9700 §4.4.2: one for each). */
  callback(provider: string): string | undefined {
    const path = this.path('callback', provider === DEFAULT_PROVIDER ? '' : `/${provider}`);
    return path === undefined ? undefined : this.absolute(path);
  }

  /** A route's address, or `undefined` when it is switched off or `publicUrl` is not known. */
  url(route: RouteName): string | undefined {
    const path = this.path(route);
    return path === undefined ? undefined : this.absolute(path);
  }

  /** Whether browsers log in by cookie here. */
  get hasBrowserSessions(): boolean {
    return this.options.session !== undefined;
  }

  /** The same, as far as it was known when the routes were made. */
  get mayHaveBrowserSessions(): boolean {
    return this.options.routes.browserSessions === true;
  }

  /** Whether providers may send their answers by POST. */
  get mayFormPost(): boolean {
    return this.options.routes.formPost === true;
  }

  /** Where a browser logs in and comes back from to a path below `publicUrl`. */
  loginUrl(returnTo: string, further: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams({ return_to: returnTo, ...further });
    return `${this.url('login') ?? ''}?${query.toString()}`;
  }

  /** Where a login begins that ends at our own callback with tokens. */
  loginForTokens({
    redirectUri,
    scope,
    provider,
  }: Readonly<Record<'redirectUri' | 'scope' | 'provider', string>>): string | undefined {
    const login = this.url('login');
    const named = this.options.providers.several ? { provider } : {};
    const query = new URLSearchParams({ redirect_uri: redirectUri, scope, ...named });
    return login === undefined ? undefined : `${login}?${query.toString()}`;
  }

  /** Address of the protected-resource document (RFC 9728), or `undefined` when it is not published. */
  resourceMetadata(): string | undefined {
    const { publicUrl, routes } = this.options;
    if (publicUrl === undefined || !routes.metadata) return undefined;
    return publicUrl + RESOURCE_METADATA_PATH;
  }

  /** A path below `publicUrl` as an absolute URL; `undefined` where that is not known. */
  absolute(path: string): string | undefined {
    const { publicUrl } = this.options;
    return publicUrl === undefined ? undefined : new URL(publicUrl + path).href;
  }

  /** A path below `publicUrl` as a browser on our host follows it; a URL as it is. */
  local(target: string): string {
    const { publicUrl } = this.options;
    if (publicUrl === undefined || !target.startsWith('/')) return target;
    return new URL(publicUrl).pathname.replace(/\/$/, '') + target;
  }

  #isExcluded(route: RouteName, path: string): boolean {
    const method = formRoutes.includes(route) ? RequestMethod.POST : RequestMethod.GET;
    const { exclude = [] } = this.application.getGlobalPrefixOptions();
    return exclude.some(
      ({ pathRegex, requestMethod }) =>
        (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
    );
  }
}
