export interface Cookie {
  readonly name: string;
  readonly value: string;
}

/** A cookie as the jar keeps it (RFC 6265 §5.3). */
interface StoredCookie extends Cookie {
  readonly host: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly expiresAt: number;
}

/**
 * The cookies of one browser: host, path, `Secure`, expiry and the name prefixes are honoured, ports are
 * not told apart (RFC 6265 §8.5). `Secure` cookies are dropped on http, on localhost too, as Safari does; at 127.0.0.1 they are taken,
 * as Chrome and Firefox do.
 */
export class CookieJar {
  #cookies: StoredCookie[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Takes a `Set-Cookie` header of an answer from this URL; what a browser refuses is ignored. */
  store(header: string, url: URL): void {
    const cookie = parseCookie(header, url, this.now());
    if (cookie === undefined) return;

    const others = this.#cookies.filter((kept) => !sameCookie(kept, cookie));
    this.#cookies = cookie.expiresAt > this.now() ? [...others, cookie] : others;
  }

  /** What a request to this URL sends: longer paths first (RFC 6265 §5.4). */
  sentTo(url: URL): readonly Cookie[] {
    const fitting = this.#cookies.filter((cookie) => this.#fits(cookie, url));
    return fitting.toSorted((a, b) => b.path.length - a.path.length);
  }

  #fits(cookie: StoredCookie, url: URL): boolean {
    if (cookie.expiresAt <= this.now()) return false;
    if (cookie.secure && !isSecure(url)) return false;
    if (cookie.hostOnly ? url.hostname !== cookie.host : !inDomain(url.hostname, cookie.host)) {
      return false;
    }
    return pathMatches(url.pathname, cookie.path);
  }
}

function parseCookie(header: string, url: URL, now: number): StoredCookie | undefined {
  const [pair = '', ...rest] = header.split(';');
  const split = pair.indexOf('=');
  if (split < 1) return undefined;

  const attributes = new Map(rest.map(parseAttribute));
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase();
  if (domain && !inDomain(url.hostname, domain)) return undefined;

  const path = attributes.get('path');
  const cookie = {
    name: pair.slice(0, split).trim(),
    value: pair.slice(split + 1).trim(),
    host: domain || url.hostname,
    hostOnly: !domain,
    path: path?.startsWith('/') ? path : defaultPath(url),
    secure: attributes.has('secure'),
    expiresAt: expiry(attributes, now),
  };
  if (cookie.secure && !isSecure(url)) return undefined;
  return prefixHolds(cookie, path) ? cookie : undefined;
}

function parseAttribute(text: string): [string, string] {
  const split = text.indexOf('=');
  if (split === -1) return [text.trim().toLowerCase(), ''];
  return [text.slice(0, split).trim().toLowerCase(), text.slice(split + 1).trim()];
}

/** `Max-Age` wins over `Expires` (RFC 6265 §5.3, step 3). */
function expiry(attributes: ReadonlyMap<string, string>, now: number): number {
  const maxAge = Number(attributes.get('max-age') ?? Number.NaN);
  if (Number.isInteger(maxAge)) return maxAge <= 0 ? 0 : now + maxAge * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires;
}

/** draft-ietf-httpbis-rfc6265bis §4.1.3. */
function prefixHolds(cookie: StoredCookie, path: string | undefined): boolean {
  if (cookie.name.startsWith('__Secure-')) return cookie.secure;
  if (!cookie.name.startsWith('__Host-')) return true;
  return cookie.secure && cookie.hostOnly && path === '/';
}

function sameCookie(a: StoredCookie, b: StoredCookie): boolean {
  return a.name === b.name && a.host === b.host && a.path === b.path;
}

/** Applications of ours are at `localhost`, providers at 127.0.0.1: Keycloak's cookies are `Secure` there too. */
function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || url.hostname === '127.0.0.1';
}

function inDomain(host: string, domain: string): boolean {
  if (host === domain) return true;
  const isName = !/^[\d.]+$|^\[/.test(host);
  return isName && host.endsWith(`.${domain}`);
}

function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, pathname.lastIndexOf('/')) || '/';
}

function pathMatches(requested: string, path: string): boolean {
  if (requested === path) return true;
  return requested.startsWith(path.endsWith('/') ? path : `${path}/`);
}
