import { isUtf8 } from 'node:buffer';
import { type OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { isRecord } from '../options/value-rules.js';
import { audienceList, authorizedParty } from './check-claims.js';
import { nestsTooDeep } from './nesting.js';
import type { IssuerMarks } from './verification-keys.js';

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const MAX_KID_LENGTH = 256;

/** Header and payload of a JWS, each a JSON object. Nothing of them is to be believed before the signature was checked. */
export interface JwsParts {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Record<string, unknown>;
  /** What was signed: both as they came (RFC 7515 §5.1). */
  readonly signingInput: string;
  readonly signature: Buffer;
}

/** A JWS that names its issuer. */
export interface UnverifiedJws extends JwsParts {
  readonly iss: string;
  readonly marks: () => IssuerMarks;
}

/** What to throw for a text that is no JWS as we read them. */
type Refusal = (cause: string | Reason) => OAuthError;

/** Letters whose unused bits are zero, at the end of what is no multiple of four long (RFC 4648 §3.5). */
const LAST_LETTERS: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' };

/** Whether a text of the right alphabet is the only spelling of its bytes. */
function isCanonical(part: string): boolean {
  const over = part.length % 4;
  return over === 0 || LAST_LETTERS[over]?.includes(part.slice(-1)) === true;
}

/** Decodes one part strictly: the canonical encoding only, so that a token has one spelling (RFC 7515 §2). */
function decodePart(part: string, refusal: Refusal): Buffer {
  if (!isCanonical(part)) throw refusal('base64url');
  return Buffer.from(part, 'base64url');
}

function parseObject(part: string, refusal: Refusal): Record<string, unknown> {
  const bytes = decodePart(part, refusal);
  if (!isUtf8(bytes)) throw refusal('UTF-8');
  const text = bytes.toString('utf8');
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

/** The header that was read last: of the tokens of one issuer it is the same for each. */
let last: { readonly encoded: string; readonly header: JwsParts['header'] } | undefined;

function readHeader(encoded: string, refusal: Refusal): JwsParts['header'] {
  if (last?.encoded !== encoded) {
    last = { encoded, header: Object.freeze(parseObject(encoded, refusal)) };
  }
  return last.header;
}

/**
 * Whether a token can be a JWS at all: three parts, of which the first is JSON. Everything else is opaque to us, whatever dots are in it.
 * Nothing is believed of it yet.
 */
export function looksLikeJws(token: string): boolean {
  const [header = '', ...others] = token.split('.');
  if (others.length !== 2) return false;
  if (header === last?.encoded) return true;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return typeof parsed === 'object' && parsed !== null;
  } catch {
    return false;
  }
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
  const [, encodedHeader, encodedPayload, encodedSignature] = parts ?? [];
  if (!encodedHeader || !encodedPayload || !encodedSignature) throw refusal(notJws(token));
  const signature = decodePart(encodedSignature, refusal);
  const header = readHeader(encodedHeader, refusal);
  const { alg, kid, typ, crit, b64, zip, enc } = header;
  if (crit !== undefined || b64 !== undefined || zip !== undefined || enc !== undefined) {
    throw refusal('header extension');
  }
  if (typeof alg !== 'string') throw refusal('alg');
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) {
    throw refusal('kid');
  }
  if (typ !== undefined && typeof typ !== 'string') throw refusal('typ');
  const payload = parseObject(encodedPayload, refusal);
  const signingInput = token.slice(0, token.lastIndexOf('.'));
  return { header, alg, kid, typ, payload, signingInput, signature };
}

/**
 * Reads the header and the issuer of a token, strictly ({@link readJwsParts}).
 * Keys that the token brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function readCompactJws(token: string): UnverifiedJws {
  const { alg, kid, typ, header, payload, signingInput, signature } = readJwsParts(token);
  const { iss } = payload;
  if (typeof iss !== 'string') throw invalidToken('iss');
  const marks = () => marksOf(payload);
  return { alg, kid, typ, header, payload, signingInput, signature, iss, marks };
}

function marksOf(payload: Readonly<Record<string, unknown>>): IssuerMarks {
  const party = authorizedParty(payload);
  return {
    audiences: audienceList(payload['aud']).filter((one) => typeof one === 'string'),
    party: typeof party === 'string' ? party : undefined,
  };
}
