import type { RequestHeaders } from './bearer-token.js';

const NONE: readonly string[] = [];

/** All values of a header, whose name is given in lower case. */
function valuesOf(headers: RequestHeaders, name: string): readonly string[] {
  if (headers instanceof Headers) return [headers.get(name) ?? []].flat();
  let values = NONE;
  for (const written of Object.keys(headers)) {
    if (written.length !== name.length) continue;
    if (written !== name && written.toLowerCase() !== name) continue;
    const given = headers[written] ?? NONE;
    const more = typeof given === 'string' ? [given] : given;
    values = values.length === 0 ? more : [...values, ...more];
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
  const values = valuesOf(headers, 'cookie');
  return values.length === 1 ? (values[0] ?? '') : values.join('; ');
}

/**
 * The value of the cookie of exactly that name. Two of them are none: a subdomain or another path may have planted one, and which of them is ours
 * nobody can tell (RFC 6265bis §8.6).
 */
export function cookieNamed(headers: RequestHeaders, name: string): string | undefined {
  const values = cookiesNamed(headers, name);
  return values.length === 1 ? values[0] : undefined;
}

/** The values of all cookies of exactly that name. */
export function cookiesNamed(headers: RequestHeaders, name: string): string[] {
  const header = cookieHeader(headers);
  const values: string[] = [];
  for (let at = 0; at < header.length;) {
    const semicolon = header.indexOf(';', at);
    const end = semicolon === -1 ? header.length : semicolon;
    while (header[at] === ' ' || header[at] === '\t') at += 1;
    const equals = at + name.length;
    if (equals < end && header[equals] === '=' && header.startsWith(name, at)) {
      values.push(header.slice(equals + 1, end));
    }
    at = end + 1;
  }
  return values;
}
