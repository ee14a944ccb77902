import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { readCompactJws } from '../tokens/compact-jws.js';
import { verifySignature } from '../tokens/verify-signature.js';
import type { VerificationKeys } from '../tokens/verification-keys.js';
import { claimReason } from './claim-reasons.js';

type Claims = Readonly<Record<string, unknown>>;

/** What an ID token is held against beside openid-client's own checks. */
export interface IdTokenExpectation {
  readonly issuers: readonly string[];
  readonly clientId: string;
  readonly keys: VerificationKeys;
  readonly algorithms: readonly string[];
  readonly nowSec: number;
  readonly toleranceSec: number;
}

function refused(claim: string, came: unknown, expected?: unknown): OAuthError {
  const values = expected === undefined ? { came } : { expected, came };
  return badUpstreamAnswer(claimReason('ID token', claim, values));
}

/**
 * What openid-client leaves open of OpenID Connect Core §3.1.3.7: the signature (with the same keys as access tokens),
 * `azp` beside a single audience, an `iat` in the future, an endless `exp`, and the list of tenants.
 *
 * @throws {@link OAuthError} 502 `server_error`; 503 when the keys cannot be read.
 */
export async function checkIdToken(
  idToken: string,
  claims: Claims,
  expected: IdTokenExpectation,
): Promise<void> {
  const { iss, azp, iat, exp, sub } = claims;
  const { issuers, clientId, nowSec, toleranceSec } = expected;
  if (typeof iss !== 'string' || !issuers.includes(iss)) throw refused('iss', iss, issuers);
  if (typeof sub !== 'string' || sub === '') throw refused('sub', sub);
  if (azp !== undefined && azp !== clientId) throw refused('azp', azp, clientId);
  if (typeof iat !== 'number' || iat > nowSec + toleranceSec)
    throw refused('iat', iat, `until ${nowSec + toleranceSec}`);
  if (typeof exp !== 'number' || !Number.isFinite(exp)) throw refused('exp', exp);
  try {
    await verifySignature(idToken, readCompactJws(idToken), expected);
  } catch (error) {
    const unverified = error instanceof OAuthError && error.error === 'invalid_token';
    throw unverified ? badUpstreamAnswer(error) : error;
  }
}
