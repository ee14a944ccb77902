import type { RequestHeaders } from './bearer-token.js';

/** All values of a header, whose name is given in lower case. */
function valuesOf(headers: RequestHeaders, name: string): string[] {
  if (headers instanceof Headers) return [headers.get(name) ?? []].flat();
  const values: string[] = [];
  for (const written of Object.keys(headers)) {
    if (written.length !== name.length || written.toLowerCase() !== name) continue;
    values.push(...[headers[written] ?? []].flat());
  }
  return values;
}

/** One header of a request; `undefined` where it is missing or came more than once. */
export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  const values = valuesOf(headers, name);
  return values.length === 1 ? values[0] : undefined;
}

/** All values of the header `Cookie`: HTTP/2 may split it (RFC 9113 §8.2.3). */
function cookieHeader(headers: RequestHeaders): string {
  return valuesOf(headers, 'cookie').join('; ');
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
