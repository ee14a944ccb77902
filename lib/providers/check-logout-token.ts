import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { isRecord } from '../options/value-rules.js';
import { readCompactJws } from '../tokens/compact-jws.js';
import { verifySignature } from '../tokens/verify-signature.js';
import type { IdTokenExpectation } from './check-id-token.js';
import { claimReason } from './claim-reasons.js';

/** What a valid logout token says. */
export interface LogoutTokenClaims {
  readonly iss: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly iat: number;
  /** Seconds since 1970. */
  readonly exp: number;
  /** One of the two is there. */
  readonly sid: string | undefined;
  readonly sub: string | undefined;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Providers of before the final specification wrote `JWT` or nothing (Back-Channel Logout §2.4). */
const TYPES: readonly string[] = ['jwt', 'logout+jwt'];
const LONGEST_ID = 256;
/** What §4 recommends at most; for tokens that do not say when they end, in seconds. */
const LIFETIME_SEC = 120;

function refused(cause: unknown): OAuthError {
  return new OAuthError('invalid_request', 'logout_token is not valid', { cause });
}

function refusedFor(claim: string, values?: { expected?: unknown; came?: unknown }): OAuthError {
  return refused(claimReason('logout token', claim, values));
}

function optionalText(value: unknown, claim: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw refusedFor(claim);
  return value;
}

/**
 * Validates a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6): signature, by an algorithm of ID tokens, `iss`,
 * `aud`, `iat`, `exp`, `events`, `sub` or `sid`, no `nonce`, and no other kind of token.
 *
 * @param requiresExp refuses tokens that do not say when they end.
 * @throws {@link OAuthError} 400 `invalid_request`
 */
export async function checkLogoutToken(
  logoutToken: string,
  expected: IdTokenExpectation,
  requiresExp = true,
): Promise<LogoutTokenClaims> {
  const payload = await verifiedPayload(logoutToken, expected);
  const { iss, aud, jti, events, nonce } = payload;
  const { issuers, clientId } = expected;
  if (typeof iss !== 'string' || !issuers.includes(iss)) {
    throw refusedFor('iss', { expected: issuers, came: iss });
  }
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(clientId)) throw refusedFor('aud', { expected: clientId, came: aud });
  const { iat, exp } = timesOf(payload, expected, requiresExp);
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_ID) throw refusedFor('jti');
  if (!isRecord(events) || !Object.hasOwn(events, EVENT) || !isRecord(events[EVENT])) {
    throw refusedFor('events');
  }
  if (nonce !== undefined) throw refusedFor('nonce');
  const sub = optionalText(payload['sub'], 'sub');
  const sid = optionalText(payload['sid'], 'sid');
  if (sub === undefined && sid === undefined) throw refusedFor('sub or sid');
  return { iss, jti, iat, exp, sid, sub };
}

function timesOf(
  { iat, exp: written }: Readonly<Record<string, unknown>>,
  { nowSec, toleranceSec }: IdTokenExpectation,
  requiresExp: boolean,
): { iat: number; exp: number } {
  const [earliest, latest] = [nowSec - toleranceSec, nowSec + toleranceSec];
  if (typeof iat !== 'number' || iat > latest) {
    throw refusedFor('iat', { expected: `until ${latest}`, came: iat });
  }
  if (written === undefined && requiresExp) {
    const option = '"requireExpInLogoutToken"';
    throw refused(new Reason('exp of the logout token is missing', { option }));
  }
  const exp = written === undefined ? iat + LIFETIME_SEC : written;
  if (typeof exp !== 'number' || !Number.isFinite(exp) || exp <= earliest) {
    throw refusedFor('exp', { expected: `after ${earliest}`, came: exp });
  }
  return { iat, exp };
}

async function verifiedPayload(
  logoutToken: string,
  expected: IdTokenExpectation,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const jws = readCompactJws(logoutToken);
    const type = jws.typ?.toLowerCase().replace(/^application\//, '');
    if (type !== undefined && !TYPES.includes(type)) {
      throw refusedFor('typ', { expected: 'logout+jwt', came: jws.typ });
    }
    if (!expected.issuers.includes(jws.iss)) {
      throw refusedFor('iss', { expected: expected.issuers, came: jws.iss });
    }
    return (await verifySignature(logoutToken, jws, expected)).payload;
  } catch (error) {
    throw refused(error); // keys that cannot be had too: the answer is 200 or 400 (§2.8)
  }
}
