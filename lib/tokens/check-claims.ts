import { type OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { IdTokenClaims } from './id-token-claims.js';
import { checkPurpose } from './token-purpose.js';
import type { TokenIssuer } from './verification-keys.js';

type Payload = Readonly<Record<string, unknown>>;

/** What is to be known of time when a token is looked at, in seconds. */
export interface TimeRules {
  readonly nowSec: number;
  readonly toleranceSec: number;
  readonly maxAgeSec: number;
  /** How long ago `exp` may be. */
  readonly endedForSec: number;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** Over, too far ahead, or none at all: two numbers show which, and whose clock is wrong. */
function wrongTime(claim: string, came: unknown, nowSec: number): OAuthError {
  const mend = `the clock here says ${Math.floor(nowSec)}`;
  const option = '"clockToleranceSec", "maxTokenAgeSec"';
  return invalidToken(new Reason(claim, { came, option, mend }));
}

/**
 * Whether a token counts now (RFC 7519 §4.1.4-4.1.6).
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function checkTimes(payload: Payload, times: TimeRules): void {
  const { nowSec, toleranceSec, maxAgeSec, endedForSec } = times;
  const { exp, nbf, iat } = payload;
  const earliest = nowSec - toleranceSec - endedForSec;
  if (!isTime(exp) || exp <= earliest || exp > nowSec + maxAgeSec + toleranceSec) {
    throw wrongTime('exp', exp, nowSec);
  }
  for (const [claim, start] of Object.entries({ nbf, iat })) {
    if (start === undefined) continue;
    if (!isTime(start) || start > nowSec + toleranceSec) throw wrongTime(claim, start, nowSec);
  }
}

/** `aud` as a list (RFC 7519 §4.1.3). */
export function audienceList(aud: unknown): readonly unknown[] {
  return Array.isArray(aud) ? aud : [aud];
}

/** To whom the token was issued: `azp`, else `client_id`, else Entra's v1 `appid`, else Okta's `cid`. */
export function authorizedParty(payload: Payload): unknown {
  return payload['azp'] ?? payload['client_id'] ?? payload['appid'] ?? payload['cid'];
}

function checkAudience(payload: Payload, issuer: TokenIssuer): void {
  const { aud } = payload;
  const option = issuer.kind === 'provider' ? '"audience"' : '"broker.audience"';
  if (aud !== undefined && !audienceList(aud).every((entry) => typeof entry === 'string')) {
    throw invalidToken(new Reason('aud', { came: audienceList(aud), option }));
  }
  if (issuer.audience === false) {
    const came = authorizedParty(payload);
    if (came === issuer.clientId) return;
    throw invalidToken(new Reason('azp', { expected: issuer.clientId, came, option }));
  }
  const came = audienceList(aud);
  const expected: readonly unknown[] = issuer.audience;
  if (came.some((entry) => expected.includes(entry))) return;
  throw invalidToken(new Reason('aud', { expected, came, option }));
}

/**
 * Checks the claims of an access token whose signature holds (RFC 7519 §4.1, RFC 9068 §4). Registered claims of a
 * wrong type refuse the token; others of a wrong type count as absent where they are used.
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function checkAccessTokenClaims(
  payload: Payload,
  { typ, issuer, times }: { typ: string | undefined; issuer: TokenIssuer; times: TimeRules },
): asserts payload is Payload & IdTokenClaims {
  const { iss, sub } = payload;
  if (iss !== issuer.issuer) throw invalidToken('iss');
  if (typeof sub !== 'string' || sub === '') throw invalidToken('sub');
  for (const claim of ['jti', 'sid', 'azp', 'client_id']) {
    const value = payload[claim];
    if (value !== undefined && typeof value !== 'string') throw invalidToken(claim);
  }
  checkTimes(payload, times);
  checkAudience(payload, issuer);
  checkPurpose(payload, typ, issuer);
}
