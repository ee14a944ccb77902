import { withoutCredentials } from './credentials.js';

const LONGEST = 200;
const MOST_VALUES = 5;
const MOST_LOOKED_AT = 20;

/** Characters of plain URIs and scopes; none of those that disguise an address, or mean something to HTML and quoted strings. */
const HARMLESS = /^[\w.~:/?#[\]!$&()*+,;=-]+$/;

/** An address as a log may hold it: of user, query and fragment it shows only that they are there. */
export function withoutDetails(uri: string): string {
  const [bare = ''] = uri.split(/[?#]/, 1);
  const more = bare.length < uri.length ? `${uri.charAt(bare.length)}...` : '';
  return bare.replace(/\/\/[^/]*@/, '//...@') + more;
}

/** A name of a protocol as it came, such as a grant type; anything else, which might be a token, by its length alone. */
export function protocolWord(value: string): string {
  const known = /^[a-z][a-z_ ]{0,59}$|^urn:[a-z0-9:_-]{1,100}$/.test(value);
  return known ? value : `(${value.length} characters)`;
}

/**
 * What a text for the caller may repeat of the caller's own values, behind a colon; empty when nothing is safe to repeat. It holds
 * characters of RFC 6749 §5.2 only, and is cut.
 */
export function repeated(values: readonly string[]): string {
  const shown = values
    .slice(0, MOST_LOOKED_AT)
    .map((value) => (value.length > LONGEST ? `${value.slice(0, LONGEST)}...` : value))
    .filter((value) => HARMLESS.test(value) && withoutCredentials(value) === value);
  return shown.length === 0 ? '' : `: ${shown.slice(0, MOST_VALUES).join(' ')}`;
}
