import { ValidateBy, ValidateIf, isInt, max, min } from 'class-validator';
import { isLocalPath, isTrustworthyUrl, parseUrl } from './url-rules.js';

const MAX_SCOPES_LENGTH = 4000;

/** How a mend says what {@link isHttpUrl} wants. */
export const HTTPS =
  'an absolute https URL (http only on localhost, 127.0.0.1 or [::1], or with "allowInsecureHttp: true" in a closed test network)';

/** What a rule may look at beside the value itself. */
export interface OptionsUnderCheck {
  readonly allowInsecureHttp?: unknown;
  readonly clientSecret?: unknown;
  readonly clientKeys?: unknown;
  readonly fetch?: unknown;
}

/** Whether an entry of a list may be there. */
export type EntryRule = (entry: unknown, all: OptionsUnderCheck) => boolean;

/** Demands of one option: `mend` completes the sentence `Option "x" …`. */
export function Must(
  mend: string,
  holds: (value: unknown, all: OptionsUnderCheck) => boolean,
): PropertyDecorator {
  return ValidateBy({
    name: mend,
    validator: {
      validate: (value: unknown, args) => holds(value, args?.object ?? {}),
      defaultMessage: () => mend,
    },
  });
}

/** Demands of every entry of a list, which is named when it does not hold. */
export function MustList(
  mend: string,
  holds: EntryRule,
  { least = 0 }: { least?: number } = {},
): PropertyDecorator {
  return ValidateBy(
    {
      name: mend,
      validator: {
        validate: (value: unknown, args) =>
          Array.isArray(value) &&
          value.length >= least &&
          value.every((entry: unknown) => holds(entry, args?.object ?? {})),
        defaultMessage: () => mend,
      },
    },
    { context: { holds } },
  );
}

/** Left out means `undefined`; `null` is a mistake and is looked at. */
export const Optional = () => ValidateIf((_, value: unknown) => value !== undefined);

export const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '';

export const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isText);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isFlag = (value: unknown): boolean => typeof value === 'boolean';

export const within = (low: number, high: number) => (value: unknown) =>
  isInt(value) && min(value, low) && max(value, high);

/** What a URL parser would strip or encode silently: blanks, line breaks, other alphabets. */
const isPrintableAscii = (value: unknown): boolean =>
  typeof value === 'string' && /^[\u0021-\u007e]+$/.test(value);

export function isHttpUrl(value: unknown, all: OptionsUnderCheck): boolean {
  if (!isPrintableAscii(value)) return false;
  const url = parseUrl(value);
  return url !== undefined && isTrustworthyUrl(url, all.allowInsecureHttp === true);
}

export function isPlainHttpUrl(value: unknown, all: OptionsUnderCheck): boolean {
  const url = parseUrl(value);
  if (url === undefined || !isHttpUrl(value, all) || /[?#]/.test(url.href)) return false;
  return url.href === value || url.href === `${String(value)}/`; // in its normal form
}

/** openid-client sends the redirect URI normalised and without its query: others would never match at the provider. */
export function isRedirectUri(value: unknown, all: OptionsUnderCheck): boolean {
  const url = parseUrl(value);
  if (url === undefined || url.href !== value) return false;
  if (url.search !== '' || url.hash !== '' || /[?#|]/.test(value)) return false;
  if (url.protocol === 'http:' || url.protocol === 'https:') return isHttpUrl(value, all);
  return /^[a-z][a-z0-9+-]*\.[a-z0-9+.-]*:$/.test(url.protocol); // RFC 8252 §7.1: reverse domain names
}

/** As a browser would ask for it; `..` would lead out of the path of `publicUrl`. */
function isNormalPath(path: string): boolean {
  const { href, origin } = new URL(path, 'http://localhost');
  return href === origin + path;
}

export function isLogoutTarget(value: unknown, all: OptionsUnderCheck): boolean {
  if (!isText(value)) return false;
  if (value.startsWith('/')) return isLocalPath(value) && isNormalPath(value);
  return isHttpUrl(value, all) && [value, `${value}/`].includes(parseUrl(value)?.href ?? '');
}

export function isScopeList(value: unknown): boolean {
  const list: unknown = typeof value === 'string' ? value.split(' ').filter(Boolean) : value;
  // Scopes travel in the sealed state of each login, in an address.
  const isShort = isTextList(list) && list.join(' ').length <= MAX_SCOPES_LENGTH;
  // RFC 6749 §3.3, but for the comma, which nobody's scopes hold and many people separate them with.
  return isShort && list.every((scope) => /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(scope));
}

/** What Node, Express and Fastify, and Nest's own pieces, keep on requests. */
const OWN_OF_REQUESTS = new Set(
  'app baseUrl body constructor cookies headers host hostname id ip ips log method originalUrl params path protocol prototype query raw res route session server signedCookies socket url'.split(
    ' ',
  ),
);

export function isRequestProperty(value: unknown): boolean {
  return (
    typeof value === 'string' && /^[A-Za-z]\w{0,63}$/.test(value) && !OWN_OF_REQUESTS.has(value)
  );
}
