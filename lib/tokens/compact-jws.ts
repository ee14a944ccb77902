import { invalidToken } from '../errors/oauth.error.js';
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

/** Decodes one part strictly: the canonical encoding only, so that a token has one spelling (RFC 7515 §2). */
function decodePart(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw invalidToken('base64url');
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalidToken('UTF-8');
  }
}

function parseObject(part: string): Readonly<Record<string, unknown>> {
  const text = decodePart(part);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidToken('JSON');
  }
  if (!isRecord(parsed)) throw invalidToken('not an object');
  if (nestsTooDeep(parsed)) throw invalidToken('nested too deep');
  return parsed;
}

function notJws(token: string): Reason {
  const dots = token.split('.').length - 1;
  const kinds: Readonly<Record<number, string>> = { 0: 'an opaque token', 4: 'an encrypted token' };
  const came = kinds[dots] ?? 'something else';
  const mend = 'the guard verifies JWTs; many providers issue them for a registered API alone';
  return new Reason(`not a compact JWS but ${came}`, { mend });
}

/**
 * Reads the header and the issuer of a token in JWS compact serialisation, strictly: exact alphabet and
 * encoding, no critical extensions, no compression, no encryption, no bottomless nesting (RFC 7515 §4.1.11, RFC 7797 §7, RFC 8725 §3).
 * Keys that the token brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function readCompactJws(token: string): UnverifiedJws {
  const parts = COMPACT.exec(token);
  const [, encodedHeader, encodedPayload, signature] = parts ?? [];
  if (!encodedHeader || !encodedPayload || !signature) throw invalidToken(notJws(token));
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) {
    throw invalidToken('base64url');
  }
  const { alg, kid, typ, crit, b64, zip, enc } = parseObject(encodedHeader);
  if (crit !== undefined || b64 !== undefined || zip !== undefined || enc !== undefined) {
    throw invalidToken('header extension');
  }
  if (typeof alg !== 'string') throw invalidToken('alg');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) {
    throw invalidToken('kid');
  }
  if (typ !== undefined && typeof typ !== 'string') throw invalidToken('typ');
  const payload = parseObject(encodedPayload);
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
