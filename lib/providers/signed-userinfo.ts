import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { isRecord } from '../options/value-rules.js';
import { readCompactJws } from '../tokens/compact-jws.js';
import { verifySignature } from '../tokens/verify-signature.js';
import type { IdTokenExpectation } from './check-id-token.js';
import { claimReason } from './claim-reasons.js';

type Claims = Readonly<Record<string, unknown>>;

/** Types of a signed userinfo; anything else is a token that was signed for another purpose (RFC 8725 §3.11). */
const TYPES: readonly string[] = ['', 'jwt'];

/**
 * The answer of a userinfo endpoint as JSON, for openid-client, which compares the subject and would take the claims of a signed
 * answer without a look at its signature. What is labelled as a JWT, or is no JSON object, is verified here.
 *
 * @throws {@link OAuthError} 502 for a signed answer that does not hold.
 */
export async function plainUserinfo(
  response: Response,
  expected: () => Promise<IdTokenExpectation>,
): Promise<Response> {
  if (response.status !== 200) return response;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  const isLabelledJwt = /^\s*application\/jwt\s*(;|$)/i.test(
    response.headers.get('content-type') ?? '',
  );
  if (isRecord(body) && !isLabelledJwt) return Response.json(body);
  return Response.json(await verifiedUserinfo((await response.text()).trim(), await expected()));
}

/**
 * The claims of a signed userinfo (OpenID Connect Core §5.3.2, §5.3.4): signed with a key of this provider by an algorithm of ID
 * tokens, from it and for us, and of no other kind.
 */
async function verifiedUserinfo(jwt: string, expected: IdTokenExpectation): Promise<Claims> {
  const { issuers, clientId } = expected;
  const { typ, payload } = await verified(jwt, expected);
  const { iss, aud, events } = payload;
  const type = (typ ?? '').toLowerCase().replace(/^application\//, '');
  if (!TYPES.includes(type)) throw refused('typ', { expected: 'JWT', came: typ });
  if (events !== undefined) throw refused('events');
  if (typeof iss !== 'string' || !issuers.includes(iss)) {
    throw refused('iss', { expected: issuers, came: iss });
  }
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(clientId)) throw refused('aud', { expected: clientId, came: aud });
  checkTimes(payload, expected);
  return payload;
}

function refused(claim: string, values?: { expected?: unknown; came?: unknown }): OAuthError {
  return badUpstreamAnswer(claimReason('userinfo', claim, values));
}

async function verified(
  jwt: string,
  expected: IdTokenExpectation,
): Promise<{ typ: string | undefined; payload: Claims }> {
  try {
    const jws = readCompactJws(jwt);
    return { typ: jws.typ, payload: (await verifySignature(jwt, jws, expected)).payload };
  } catch (error) {
    const unverified = error instanceof OAuthError && error.error === 'invalid_token';
    throw unverified ? badUpstreamAnswer(error) : error;
  }
}

/** None of them has to be there (OpenID Connect Core §5.3.2). */
function checkTimes(payload: Claims, { nowSec, toleranceSec }: IdTokenExpectation): void {
  const [earliest, latest] = [nowSec - toleranceSec, nowSec + toleranceSec];
  for (const claim of ['exp', 'iat', 'nbf']) {
    const came = payload[claim];
    if (came === undefined) continue;
    const holds = typeof came === 'number' && (claim === 'exp' ? came > earliest : came <= latest);
    if (!holds) throw refused(claim, { expected: `as of ${nowSec}`, came });
  }
}
