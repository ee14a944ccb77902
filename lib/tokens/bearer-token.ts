import { OAuthError, invalidToken } from '../errors/oauth.error.js';
import { withoutStack } from '../errors/without-stack.js';

/** Request headers as Node, Express and Fastify have them, or as `fetch` has them. */
export type RequestHeaders =
  Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

const SCHEMES: Readonly<Record<string, PresentedToken['scheme'] | undefined>> = Object.assign(
  Object.create(null),
  { bearer: 'Bearer', dpop: 'DPoP' },
);

/** The answer to a request that brings no token (401). */
export function missingToken(): OAuthError {
  const details = { credentialsMissing: true };
  return withoutStack(() => new OAuthError('invalid_token', 'A bearer token is required', details));
}

function repeated(): OAuthError {
  return new OAuthError('invalid_request', 'The request has more than one Authorization header');
}

const NAME = 'authorization';

function isAuthorization(name: string | undefined): boolean {
  return name?.length === NAME.length && (name === NAME || name.toLowerCase() === NAME);
}

function authorizationOf(headers: RequestHeaders): string | undefined {
  if (headers instanceof Headers) return headers.get(NAME) ?? undefined;
  let found: string | undefined;
  for (const name of Object.keys(headers)) {
    if (!isAuthorization(name)) continue;
    const given = headers[name] ?? [];
    const values = typeof given === 'string' ? [given] : given;
    if (values.length + (found === undefined ? 0 : 1) > 1) throw repeated();
    found ??= values[0];
  }
  return found;
}

/** Node keeps only the first of two `Authorization` headers elsewhere. */
function refuseRepeated(rawHeaders: readonly string[]): void {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (isAuthorization(rawHeaders[at])) count += 1;
  }
  if (count > 1) throw repeated();
}

/** Whether a request means to be judged by a token: by nothing else then, whatever it brings besides. */
export function bringsToken(headers: RequestHeaders): boolean {
  const authorization = authorizationOf(headers);
  return authorization !== undefined && /^\s*(bearer|dpop)(\s|$)/i.test(authorization);
}

/** Whether a request means to prove that it holds the key of its token (RFC 9449 §7.1). */
export function bringsBoundToken(headers: RequestHeaders): boolean {
  return /^\s*dpop(\s|$)/i.test(authorizationOf(headers) ?? '');
}

/** An access token as a request brings it. */
export interface PresentedToken {
  /** With `DPoP` it comes with a proof that its sender holds the key that it is bound to (RFC 9449 §7.1). */
  readonly scheme: 'Bearer' | 'DPoP';
  readonly token: string;
}

const USUAL = 'Bearer ';

function presentedIn(authorization: string): PresentedToken | undefined {
  const credentials = authorization.trim();
  if (credentials.startsWith(USUAL)) {
    return { scheme: 'Bearer', token: credentials.slice(USUAL.length).trimStart() };
  }
  const end = credentials.indexOf(' ');
  const scheme = end === -1 ? undefined : SCHEMES[credentials.slice(0, end).toLowerCase()];
  return scheme && { scheme, token: credentials.slice(end).trimStart() };
}

/**
 * Refuses what is no access token by its characters (RFC 6750 §2.1).
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function checkCharacters(token: string): void {
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) return;
  throw invalidToken('characters that no bearer token has');
}

/**
 * What a request brings as its access token (RFC 6750 §2.1, RFC 9449 §7.1), whatever its characters; `undefined`: nothing. The scheme counts in any
 * case; tokens in the query, the body or a cookie do not count.
 *
 * @param rawHeaders names and values as they came, `IncomingMessage.rawHeaders`.
 * @throws {@link OAuthError} 400 `invalid_request` with two headers.
 */
export function writtenToken(
  headers: RequestHeaders,
  rawHeaders: readonly string[] = [],
): PresentedToken | undefined {
  refuseRepeated(rawHeaders);
  const authorization = authorizationOf(headers);
  return authorization === undefined ? undefined : presentedIn(authorization);
}

/**
 * The same, of the characters that a token may have.
 *
 * @throws {@link OAuthError} as {@link writtenToken}; 401 without a token, and for other characters.
 */
export function presentedToken(
  headers: RequestHeaders,
  rawHeaders: readonly string[] = [],
): PresentedToken {
  const presented = writtenToken(headers, rawHeaders);
  if (presented === undefined) throw missingToken();
  checkCharacters(presented.token);
  return presented;
}
