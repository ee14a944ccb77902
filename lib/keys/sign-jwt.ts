import { KeyObject, sign } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import type { SigningKey } from './signing-key.js';

/** What OpenSSL is told for signatures with elliptic curves (RFC 7518 §3.4, RFC 8037 §3.1). */
const HASHES: Readonly<Record<string, string | null>> = { ES256: 'sha256', EdDSA: null };

const privateKeys = new WeakMap<SigningKey, KeyObject>();

function privateKeyOf(key: SigningKey): KeyObject {
  const known = privateKeys.get(key);
  if (known !== undefined) return known;
  const made = KeyObject.from(key.privateKey);
  privateKeys.set(key, made);
  return made;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/**
 * Signs claims (RFC 7515 §7.1). Signatures with elliptic curves are made at once: `jose` has WebCrypto make them on another thread, and the way there and back
 * takes longer than the signature. RSA takes ten times as long, and is left to that thread.
 *
 * @param typ type of the token, of its header.
 */
export async function signJwt(claims: JWTPayload, typ: string, key: SigningKey): Promise<string> {
  const header = { alg: key.algorithm, kid: key.kid, typ };
  const hash = HASHES[key.algorithm];
  if (hash === undefined)
    return new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey);
  const input = `${encoded(header)}.${encoded(claims)}`;
  const signer = { key: privateKeyOf(key), dsaEncoding: 'ieee-p1363' } as const;
  return `${input}.${sign(hash, Buffer.from(input), signer).toString('base64url')}`;
}
