import { decodeJwt } from 'jose/jwt/decode';
import { isRecord } from '../options/value-rules.js';
import { scopesOf } from '../tokens/roles.js';
import { scopeWords } from '../tokens/text-list.js';

/** What a token endpoint answered, in one dialect. Times are seconds since 1970. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  readonly refreshExpiresAt: number | undefined;
  /** Whether the provider itself named that end. */
  readonly refreshExpiryStated: boolean;
  /** Space separated. */
  readonly scope: string;
  /** The validated ID token, when one came. */
  readonly idToken: string | undefined;
  /** Of the validated ID token, when one came. */
  readonly idTokenClaims: Readonly<Record<string, unknown>> | undefined;
}

type Body = Readonly<Record<string, unknown>>;

const DEFAULT_LIFETIME_SEC = 300;
const REFRESH_LIFETIME_SEC = 30 * 86_400;
const LONGEST_LIFETIME_SEC = 10 * 365 * 86_400;
const FIRST_ABSOLUTE_TIME = 1_000_000_000;

function positive(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined;
}

/**
 * Makes a token answer readable for openid-client, which throws where providers are merely sloppy: numbers as strings,
 * senseless lifetimes, scopes as a list, empty members, no `token_type`.
 */
export function normaliseTokenBody(body: unknown): unknown {
  if (!isRecord(body) || !('access_token' in body)) return body;
  const { expires_in, refresh_token, id_token, scope, token_type, ...rest } = body;
  const lifetime = positive(expires_in);
  const scopes = Array.isArray(scope) ? scopeWords(scope).join(' ') || undefined : scope;
  return {
    ...rest,
    token_type: firstGiven(token_type) ?? 'Bearer',
    ...(lifetime === undefined ? {} : { expires_in: lifetime }),
    ...(typeof refresh_token === 'string' && refresh_token !== '' ? { refresh_token } : {}),
    ...(id_token === null || id_token === '' ? {} : { id_token }),
    ...(typeof scopes === 'string' ? { scope: scopes } : {}),
  };
}

/**
 * The same for a device authorization (RFC 8628 §3.2): an unusable `interval` counts as absent, and so do empty members. Google
 * and others, who had the flow before the RFC, call the addresses `verification_url`.
 */
export function normaliseDeviceBody(body: unknown): unknown {
  if (!isRecord(body) || !('device_code' in body)) return body;
  const { interval, verification_url, verification_url_complete, ...rest } = body;
  const seconds = positive(interval);
  const members = {
    ...rest,
    verification_uri: firstGiven(rest['verification_uri'], verification_url),
    verification_uri_complete: firstGiven(
      rest['verification_uri_complete'],
      verification_url_complete,
    ),
    interval: seconds,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function firstGiven(...values: unknown[]): unknown {
  return values.find((value) => value !== undefined && value !== null && value !== '');
}

function claimsOf(token: string): Body {
  try {
    return decodeJwt(token);
  } catch {
    return {}; // opaque
  }
}

function expiry(
  body: Body,
  { relative, absolute }: { relative: readonly string[]; absolute: readonly string[] },
  nowSec: number,
): number | undefined {
  const spans = relative.map((name) => positive(body[name]));
  // Members that name a point in time hold a span at some providers.
  const times = absolute.map((name) => {
    const value = positive(body[name]);
    return value !== undefined && value >= FIRST_ABSOLUTE_TIME ? value - nowSec : value;
  });
  const span = [...spans, ...times].find((value) => value !== undefined && value > 0);
  if (span === undefined) return undefined;
  return Math.floor(nowSec + Math.min(span, LONGEST_LIFETIME_SEC));
}

const ACCESS_MEMBERS = { relative: ['expires_in'], absolute: ['expires', 'expires_at', 'exp'] };
const REFRESH_MEMBERS = {
  relative: ['refresh_expires_in', 'refresh_token_expires_in'],
  absolute: ['refresh_expires', 'refresh_expires_at', 'refresh_exp'],
};

/**
 * Reads a token answer in whatever dialect its provider speaks. An access token without a lifetime lives as long as
 * its own `exp` says, else 300 s; a refresh token without one, or with 0 (Keycloak's offline tokens), 30 days.
 *
 * @param requestedScope what was asked for: granted, when the answer does not say otherwise (RFC 6749 §5.1).
 */
export function readTokenAnswer(
  body: Body & { readonly access_token: string },
  requestedScope: string | undefined,
  nowSec: number,
): Omit<TokenAnswer, 'idToken' | 'idTokenClaims'> {
  const { access_token: accessToken, refresh_token: refresh, scope } = body;
  const claims = claimsOf(accessToken);
  const refreshToken = typeof refresh === 'string' ? refresh : undefined;
  const stated = expiry(body, REFRESH_MEMBERS, nowSec);
  return {
    accessToken,
    expiresAt:
      expiry(body, ACCESS_MEMBERS, nowSec) ??
      expiry(claims, { relative: [], absolute: ['exp'] }, nowSec) ??
      nowSec + DEFAULT_LIFETIME_SEC,
    refreshToken,
    refreshExpiresAt:
      refreshToken === undefined ? undefined : (stated ?? nowSec + REFRESH_LIFETIME_SEC),
    refreshExpiryStated: stated !== undefined,
    scope: typeof scope === 'string' ? scope : (requestedScope ?? scopesOf(claims).join(' ')),
  };
}
