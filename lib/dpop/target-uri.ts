import { parseUrl } from '../options/url-rules.js';

const UNRESERVED = /[A-Za-z0-9\-._~]/; // RFC 3986 §2.3

/** One spelling for each path (RFC 3986 §6.2.2): what `new URL()` leaves open are the digits of escapes, and escapes of what needs none. */
function normalPath(path: string): string {
  return path.replace(/%[0-9A-Fa-f]{2}/g, (written) => {
    const character = String.fromCharCode(Number.parseInt(written.slice(1), 16));
    return UNRESERVED.test(character) ? character : written.toUpperCase();
  });
}

/** An http address without query and fragment, in its normal form (RFC 3986 §6.2.2, §6.2.3); `undefined` for anything else. */
export function targetUri(written: string): string | undefined {
  if (!/^https?:\/\/[\x21-\x7e]+$/i.test(written)) return undefined;
  const url = parseUrl(written);
  if (url === undefined || url.username !== '' || url.password !== '') return undefined;
  return url.origin + normalPath(url.pathname);
}

/**
 * The address that a request was made for, as its client knows it: below `publicUrl`, whatever the request says of our host. A path with dot
 * segments, or with a backslash, which is a slash in a normal form, has none: routers and normal forms read it differently.
 *
 * @param target of the request line, also in absolute form (RFC 9112 §3.2.2).
 */
export function requestUri(publicUrl: string, target: string): string | undefined {
  const [path = ''] = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  if (path !== '' && !path.startsWith('/')) return undefined;
  if (path.includes('\\')) return undefined;
  if (path.split('/').some((part) => /^(?:\.|%2e){1,2}$/i.test(part))) return undefined;
  return targetUri(publicUrl + path);
}
