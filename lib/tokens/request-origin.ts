import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { RequestHeaders } from './bearer-token.js';
import { headerOf } from './session-cookie.js';

/** Methods that change nothing (RFC 9110 §9.2.1), so that anybody's page may cause them. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isSafeMethod(method = ''): boolean {
  return SAFE.has(method);
}

/** Whether a request was made by a page of ours or by nobody's: by Fetch Metadata alone. */
export function isOwnNavigation(headers: RequestHeaders): boolean {
  const site = headerOf(headers, 'sec-fetch-site');
  return site === 'same-origin' || site === 'none';
}

/** Whether a request asks for a WebSocket (RFC 6455 §4.1): a page can only do so by making one. */
export function asksForWebSocket(headers: RequestHeaders): boolean {
  const upgrade = headerOf(headers, 'upgrade');
  return upgrade !== undefined && /\bwebsocket\b/i.test(upgrade);
}

/**
 * Holds a request that a cookie authenticates against forgery by other sites: Fetch Metadata, or an `Origin` that is ours or listed (OAuth 2.0
 * for Browser-Based Applications §6.1.3.3). Browsers set both headers, and pages cannot.
 *
 * @throws {@link OAuthError} 403 `access_denied`
 */
export function checkOrigin(headers: RequestHeaders, origins: readonly string[]): void {
  if (!isOwnNavigation(headers)) demandOrigin(headers, origins);
}

/**
 * Holds a handshake that a cookie authenticates against hijacking by other sites (CWE-1385): CORS keeps nobody from opening a WebSocket, and `SameSite`
 * no other origin of the same site. Browsers say the `Origin` of each one. Connections that begin with a plain GET, as those of socket.io by polling, go
 * without where the page is ours, and say so by Fetch Metadata.
 *
 * @throws {@link OAuthError} 403 `access_denied`
 */
export function checkHandshake(headers: RequestHeaders, origins: readonly string[]): void {
  const isOwnFetch = headerOf(headers, 'sec-fetch-site') === 'same-origin';
  if (!isOwnFetch || asksForWebSocket(headers)) demandOrigin(headers, origins);
}

function demandOrigin(headers: RequestHeaders, origins: readonly string[]): void {
  const origin = headerOf(headers, 'origin');
  if (origin !== undefined && origins.includes(origin)) return;
  const cause = new Reason('a page of another origin used the session cookie', {
    expected: origins,
    came: origin ?? headerOf(headers, 'sec-fetch-site') ?? 'neither Origin nor Sec-Fetch-Site',
    option: '"publicUrl", "session.origins"',
  });
  const text = 'This request did not come from a page of this application';
  throw new OAuthError('access_denied', text, { status: 403, cause });
}
