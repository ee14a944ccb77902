import type { RequestHeaders } from './bearer-token.js';

/** One header of a request; `undefined` where it is missing or came more than once. */
export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const values = Object.keys(headers)
    .filter((one) => one.toLowerCase() === name)
    .flatMap((one) => headers[one] ?? []);
  return values.length === 1 ? values[0] : undefined;
}

/** All values of the header `Cookie`: HTTP/2 may split it (RFC 9113 §8.2.3). */
function cookieHeader(headers: RequestHeaders): string {
  if (headers instanceof Headers) return headers.get('cookie') ?? '';
  return Object.keys(headers)
    .filter((one) => one.toLowerCase() === 'cookie')
    .flatMap((one) => headers[one] ?? [])
    .join('; ');
}

/**
 * The value of the cookie of exactly that name. Two of them are none: a subdomain or another path may have planted one, and which of them is ours
 * nobody can tell (RFC 6265bis §8.6).
 */
export function cookieNamed(headers: RequestHeaders, name: string): string | undefined {
  const [value, ...more] = cookiesNamed(headers, name);
  return more.length === 0 ? value : undefined;
}

/** The values of all cookies of exactly that name. */
export function cookiesNamed(headers: RequestHeaders, name: string): string[] {
  return cookieHeader(headers)
    .split(';')
    .flatMap((pair) => {
      const [written = '', ...value] = pair.split('=');
      return written.replace(/^[ \t]+/, '') === name && value.length > 0 ? [value.join('=')] : [];
    });
}
