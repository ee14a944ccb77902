import { OAuthError, invalidToken } from '../errors/oauth.error.js';

/** Request headers as Node, Express and Fastify have them, or as `fetch` has them. */
export type RequestHeaders =
  Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

const SCHEMES: Readonly<Record<string, PresentedToken['scheme'] | undefined>> = Object.assign(
  Object.create(null),
  { bearer: 'Bearer', dpop: 'DPoP' },
);

function missing(): OAuthError {
  return new OAuthError('invalid_token', 'A bearer token is required', {
    credentialsMissing: true,
  });
}

function repeated(): OAuthError {
  return new OAuthError('invalid_request', 'The request has more than one Authorization header');
}

function authorizationOf(headers: RequestHeaders): string | undefined {
  if (headers instanceof Headers) return headers.get('authorization') ?? undefined;
  const names = Object.keys(headers).filter((name) => name.toLowerCase() === 'authorization');
  const values = names.flatMap((name) => headers[name] ?? []);
  if (values.length > 1) throw repeated();
  return values[0];
}

/** Whether a request means to be judged by a token: by nothing else then, whatever it brings besides. */
export function bringsToken(headers: RequestHeaders): boolean {
  return /^\s*(bearer|dpop)(\s|$)/i.test(authorizationOf(headers) ?? '');
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

/**
 * The access token of a request (RFC 6750 §2.1, RFC 9449 §7.1). The scheme counts in any case; tokens in the query, the body or a
 * cookie do not count.
 *
 * @param rawHeaders names and values as they came, `IncomingMessage.rawHeaders`: Node keeps only the first of two
 * `Authorization` headers elsewhere.
 * @throws {@link OAuthError} 401 without a token, 400 `invalid_request` with two headers.
 */
export function presentedToken(
  headers: RequestHeaders,
  rawHeaders: readonly string[] = [],
): PresentedToken {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'authorization').length > 1) throw repeated();
  const authorization = authorizationOf(headers);
  if (authorization === undefined) throw missing();
  const credentials = authorization.trim();
  const end = credentials.indexOf(' ');
  const written = end === -1 ? credentials : credentials.slice(0, end);
  const token = end === -1 ? '' : credentials.slice(end).trimStart();
  const scheme = SCHEMES[written.toLowerCase()];
  if (scheme === undefined || token === '') throw missing();
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) {
    throw invalidToken('characters that no bearer token has');
  }
  return { scheme, token };
}
