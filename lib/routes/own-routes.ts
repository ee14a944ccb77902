import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { isProviderName } from '../options/provider-name.js';
import { PublicUrls } from '../options/public-urls.js';
import { type RouteName, formRoutes, routeNames } from '../options/resolve-routes.js';

/** A request of Node, Express or Fastify, as far as it names what is asked for. */
interface Target {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly raw?: IncomingMessage;
}

/** What is a path as it stands: nearly all that comes. */
const PLAIN_PATH = /^\/[^?#\\]*$/;

/** The path of a request target, also in absolute form (RFC 9112 §3.2.2). */
export function pathOf(target = ''): string {
  if (PLAIN_PATH.test(target)) return target;
  const [path = ''] = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  return path.replaceAll('\\', '/'); // as Express reads it
}

/**
 * For Express to skip a middleware by, with one look, wherever a path has none of these texts in it; whatever else it has, nor is anything taken off the path
 * where it has one. Case does not count, and backslashes are slashes, as for {@link OwnRoutes.at} and {@link pathOf}.
 */
export function pathsWith(texts: readonly string[]): RegExp {
  const spelled = texts.map((text) => text.replace(/[^\w/~-]/g, '\\$&').replaceAll('/', '[/\\\\]'));
  return new RegExp(`(?=${spelled.join('|')})`, 'i');
}

/** Finds our route by path. Paths are known only once the host has set its global prefix, so they are read late. */
@Injectable()
export class OwnRoutes {
  #routes: Map<string, RouteName> | undefined;

  constructor(private readonly urls: PublicUrls) {}

  /** Whether POST to the logout route is ours: its body is nothing to anybody then. */
  get logsOutByPost(): boolean {
    return this.urls.hasBrowserSessions;
  }

  /** Whether that brings a form to us. */
  takesForm(route: RouteName, method: string | undefined): boolean {
    if (method !== 'POST') return false;
    if (route === 'callback') return this.urls.mayFormPost;
    if (route === 'login') return this.urls.mayHaveBrowserSessions;
    return formRoutes.includes(route);
  }

  /** Matches all paths that can be ours, whatever the host puts before them: known before the host has said that. */
  get possible(): RegExp {
    return pathsWith(this.urls.ownPaths());
  }

  /** As lenient as Express's router: case and a trailing slash do not count. */
  at(path: string): RouteName | undefined {
    this.#routes ??= new Map(
      routeNames.flatMap((name): [string, RouteName][] => {
        const own = this.urls.path(name);
        return own === undefined ? [] : [[own.toLowerCase(), name]];
      }),
    );
    const plain = path.toLowerCase().replace(/\/$/, '');
    return this.#routes.get(plain) ?? this.#callbackOf(plain);
  }

  /** Callbacks of providers that are not named `default` are one level below. */
  #callbackOf(path: string): RouteName | undefined {
    const end = path.lastIndexOf('/');
    const above = this.#routes?.get(path.slice(0, end));
    return above === 'callback' && isProviderName(path.slice(end + 1)) ? above : undefined;
  }

  /** How the log names what a request asked for, in our own spelling: `POST /auth/v2/token`. */
  nameOf({ method = '', originalUrl, url }: Target): string {
    const route = this.at(pathOf(originalUrl ?? url));
    return `${method} ${route === undefined ? 'a route of nestjs-oidc-auth' : this.urls.path(route)}`;
  }
}
