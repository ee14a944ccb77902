const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** `localhost`, `127.0.0.1` or `[::1]`, as `URL.hostname` writes them (RFC 8252 §7.3, §8.3). */
export function isLoopbackHost(hostname: string): boolean {
  return LOOPBACK_HOSTS.has(hostname);
}

/** Parses an absolute URL; `undefined` when it is none. */
export function parseUrl(text: unknown): URL | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined;
  return new URL(text);
}

/** https, or http on loopback, or any http when that was allowed; never with credentials in it. */
export function isTrustworthyUrl(url: URL, allowInsecureHttp: boolean): boolean {
  if (url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && (allowInsecureHttp || isLoopbackHost(url.hostname));
}

/** One `/` followed by neither `/` nor `\`, without control characters: a path that stays on its origin. */
export function isLocalPath(text: string): boolean {
  return /^\/(?![/\\])[\u0021-\u007e]*$/.test(text) && !text.includes('\\');
}
