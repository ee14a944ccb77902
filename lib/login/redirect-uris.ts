import { isLoopbackHost, parseUrl } from '../options/url-rules.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/**
 * Where a login's redirect URI points, which decides what finishes it: our own callback, a listed page of our own
 * origin, a loopback address, or a listed client elsewhere.
 */
export type RedirectTarget = 'callback' | 'page' | 'loopback' | 'client';

function isLoopbackRedirect(uri: string, paths: readonly string[]): boolean {
  const url = parseUrl(uri);
  if (url === undefined || url.href !== uri) return false; // another spelling of what it means
  if (url.protocol !== 'http:' || !isLoopbackHost(url.hostname)) return false;
  if (url.username !== '' || url.password !== '' || /[?#|]/.test(uri)) return false;
  return paths.includes(url.pathname);
}

/**
 * What a redirect URI is, or `undefined` when it is not allowed (RFC 9700 §4.1.3): exact strings, except for loopback
 * addresses, whose port is free (RFC 8252 §7.3). The first rule that matches decides.
 */
export function redirectTarget(
  uri: string,
  callbackUrl: string | undefined,
  {
    publicUrl,
    allowedRedirectUris,
    loopbackRedirects,
  }: Pick<ResolvedOptions, 'publicUrl' | 'allowedRedirectUris' | 'loopbackRedirects'>,
): RedirectTarget | undefined {
  if (callbackUrl !== undefined && uri === callbackUrl) return 'callback';
  const listed = allowedRedirectUris.includes(uri);
  if (listed && publicUrl !== undefined && new URL(uri).origin === new URL(publicUrl).origin) {
    return 'page';
  }
  if (loopbackRedirects !== false && isLoopbackRedirect(uri, loopbackRedirects.paths)) {
    return 'loopback';
  }
  return listed ? 'client' : undefined;
}
