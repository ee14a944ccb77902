import { type OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { isRecord } from '../options/value-rules.js';
import { audienceList, authorizedParty } from './check-claims.js';
import { nestsTooDeep } from './nesting.js';
import type { IssuerMarks } from './verification-keys.js';

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const MAX_KID_LENGTH = 256;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What can be read of a JWS before its signature was checked. Nothing of it is to be believed. */
export interface UnverifiedJws {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
  readonly iss: string;
  readonly marks: IssuerMarks;
}

/** Header and payload of a JWS, each a JSON object. */
export interface JwsParts extends Pick<UnverifiedJws, 'alg' | 'kid' | 'typ'> {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** What to throw for a text that is no JWS as we read them. */
type Refusal = (cause: string | Reason) => OAuthError;

/** Decodes one part strictly: the canonical encoding only, so that a token has one spelling (RFC 7515 §2). */
function decodePart(part: string, refusal: Refusal): string {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw refusal('base64url');
  try {
    return utf8.decode(bytes);
  } catch {
    throw refusal('UTF-8');
  }
}

function parseObject(part: string, refusal: Refusal): Readonly<Record<string, unknown>> {
  const text = decodePart(part, refusal);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refusal('JSON');
  }
  if (!isRecord(parsed)) throw refusal('not an object');
  if (nestsTooDeep(parsed)) throw refusal('nested too deep');
  return parsed;
}

function notJws(token: string): Reason {
  const dots = token.split('.').length - 1;
  const kinds: Readonly<Record<number, string>> = { 0: 'an opaque token', 4: 'an encrypted token' };
  const came = kinds[dots] ?? 'something else';
  const mend = 'the guard verifies JWTs; many providers issue them for a registered API alone';
  const anchor = 'reason-not-a-compact-jws-but-an-opaque-token';
  return new Reason(`not a compact JWS but ${came}`, { mend, anchor });
}

/**
 * Header and payload of a JWS in compact serialisation, read strictly: exact alphabet and encoding, no critical extensions, no compression, no
 * encryption, no bottomless nesting (RFC 7515 §4.1.11, RFC 7797 §7, RFC 8725 §3). Nothing of it is to be believed.
 */
export function readJwsParts(token: string, refusal: Refusal = invalidToken): JwsParts {
  const parts = COMPACT.exec(token);
  const [, encodedHeader, encodedPayload, signature] = parts ?? [];
  if (!encodedHeader || !encodedPayload || !signature) throw refusal(notJws(token));
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) {
    throw refusal('base64url');
  }
  const header = parseObject(encodedHeader, refusal);
  const { alg, kid, typ, crit, b64, zip, enc } = header;
  if (crit !== undefined || b64 !== undefined || zip !== undefined || enc !== undefined) {
    throw refusal('header extension');
  }
  if (typeof alg !== 'string') throw refusal('alg');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) {
    throw refusal('kid');
  }
  if (typ !== undefined && typeof typ !== 'string') throw refusal('typ');
  return { header, alg, kid, typ, payload: parseObject(encodedPayload, refusal) };
}

/**
 * Reads the header and the issuer of a token, strictly ({@link readJwsParts}).
 * Keys that the token brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function readCompactJws(token: string): UnverifiedJws {
  const { alg, kid, typ, payload } = readJwsParts(token);
  const { iss } = payload;
  if (typeof iss !== 'string') throw invalidToken('iss');
  return { alg, kid, typ, iss, marks: marksOf(payload) };
}

function marksOf(payload: Readonly<Record<string, unknown>>): IssuerMarks {
  const party = authorizedParty(payload);
  return {
    audiences: audienceList(payload['aud']).filter((one) => typeof one === 'string'),
    party: typeof party === 'string' ? party : undefined,
  };
}
