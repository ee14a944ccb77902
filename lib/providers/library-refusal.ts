import { Reason } from '../errors/reason.js';
import { claimReason } from './claim-reasons.js';

const TIME_DIFFERS = 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED';

/** What oauth4webapi, underneath openid-client, keeps of a claim or a member that it refused. */
interface Refusal {
  readonly code: unknown;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

function refusalOf(error: unknown): Refusal | undefined {
  const inner = error instanceof Error ? error.cause : undefined;
  if (!(inner instanceof Error) || !('code' in inner)) return undefined;
  return { code: inner.code, message: inner.message, details: asRecord(inner.cause) };
}

/** Of fixed texts of the library: `JWT "aud" (audience) claim missing`, `"response" body "id_token" property must be …`. */
function namedIn(message: string): { claim?: string; member?: string } {
  const [, claim] = /^(?:unexpected )?JWT "(\w+)" \(/.exec(message) ?? [];
  const [, member] = /^"response" body "(\w+)" property/.exec(message) ?? [];
  return { ...(claim === undefined ? {} : { claim }), ...(member === undefined ? {} : { member }) };
}

/**
 * What openid-client found wrong with an answer, by name: a claim of the ID token with what was expected and what came, or a
 * member of the body. Its own errors name neither where they are logged safely, because they hold whole bodies.
 */
export function reasonOfLibrary(error: unknown): Reason | undefined {
  const refusal = refusalOf(error);
  if (refusal === undefined) return undefined;
  const { message, details } = refusal;
  const named = namedIn(message);
  const claim = typeof details['claim'] === 'string' ? details['claim'] : named.claim;
  if (claim !== undefined) return ofClaim(claim, refusal);
  if (details['header'] !== undefined && message.includes('"alg"')) {
    const came = asRecord(details['header'])['alg'];
    return claimReason('ID token', 'alg', { expected: details['expected'], came });
  }
  if (named.member === undefined) return undefined;
  const anchor = 'reason-answer-without-a-usable';
  return new Reason(`answer without a usable ${named.member}`, { anchor });
}

function ofClaim(claim: string, { code, details }: Refusal): Reason {
  const { claims, now, tolerance } = details;
  const came = asRecord(claims)[claim];
  if (code === TIME_DIFFERS) {
    const expected = `${String(now)}, give or take ${String(tolerance)} s`;
    return claimReason('ID token', claim, { expected, came });
  }
  const wanted = 'expected' in details ? { expected: details['expected'] } : {};
  return claimReason('ID token', claim, { ...wanted, came });
}
