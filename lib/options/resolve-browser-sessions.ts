import { OidcConfigError } from '../errors/oidc-config.error.js';
import { BrowserSessionGroup, type BrowserSessionOptions } from './browser-session-options.js';
import { complete } from './option-group.js';
import type { GivenOptions } from './resolve-providers.js';
import type { ResolvedRoutes } from './resolve-routes.js';
import { mayBeSameSite } from './same-site.js';
import { isLoopbackHost, parseUrl } from './url-rules.js';

/** `session`, checked and completed. */
export interface ResolvedBrowserSessions {
  /** Of the cookie, with its prefix. */
  readonly cookieName: string;
  readonly secure: boolean;
  readonly idleSec: number;
  readonly unrenewedSec: number;
  /** Origins that `return_to` may lead to, beside our own. */
  readonly returnTo: readonly string[];
  /** Origins whose pages may send unsafe requests: our own and those that are listed. */
  readonly origins: readonly string[];
  readonly failurePage: BrowserSessionOptions['failurePage'];
}

/** Checks `session` beside the options that it depends on. @throws {@link OidcConfigError} */
export function checkBrowserSessions(options: GivenOptions, routes: ResolvedRoutes): void {
  if (options.session === undefined) return;
  if (options.broker === undefined) {
    throw new OidcConfigError(
      'Option "session" keeps sessions of browsers, and without "broker" none are kept at all. Add "broker" with a store, or leave "session" out.',
    );
  }
  const off = (['login', 'callback', 'logout'] as const).find((name) => routes[name] === undefined);
  if (off !== undefined) {
    throw new OidcConfigError(
      `Option "routes.${off}" is false, but browsers log in and out by that route where "session" is set. Leave it on, or leave "session" out.`,
    );
  }
  checkSites(options.session.origins ?? [], options.publicUrl);
  if (options.grants?.authorizationCode === false) {
    throw new OidcConfigError(
      'Option "grants.authorizationCode" is false, but browsers log in by that grant where "session" is set. Leave it on, or leave "session" out.',
    );
  }
}

/** @throws {@link OidcConfigError} for an origin from where browsers bring no cookie (RFC 6265bis §5.2). */
function checkSites(origins: readonly string[], publicUrl: string | undefined): void {
  const own = parseUrl(publicUrl);
  if (own === undefined || isLoopbackHost(own.hostname)) return; // in development hosts are not what they will be
  const foreign = origins.find((origin) => !mayBeSameSite(new URL(origin), own));
  if (foreign === undefined) return;
  throw new OidcConfigError(
    `Option "session.origins" lists ${foreign}, which is of another site than "publicUrl" (${own.origin}): browsers bring no SameSite=Lax cookie with requests of its pages. ` +
      `Serve them from a host of the same domain with the same scheme, or let them use tokens; got ${JSON.stringify(foreign)}.`,
  );
}

/** Completes `session`. */
export function resolveBrowserSessions({
  session,
  publicUrl = '',
}: GivenOptions): ResolvedBrowserSessions | undefined {
  if (session === undefined) return undefined;
  const { cookieName, idleSec, unrenewedSec, returnTo, origins, failurePage } = complete(
    BrowserSessionGroup,
    session,
  );
  const { protocol, origin } = new URL(publicUrl);
  const secure = protocol === 'https:'; // on http neither: Safari drops such cookies there
  return {
    cookieName: `${secure ? '__Host-' : ''}${cookieName}`,
    secure,
    idleSec,
    unrenewedSec,
    returnTo: [...returnTo],
    origins: [origin, ...origins],
    failurePage,
  };
}
