import { constants, createHmac, sign, type KeyObject } from 'node:crypto';

import type { SigningKey } from './signing-keys.js';

/** Members of a JOSE header or of a claims set; a member that is `undefined` is left out. */
export type JsonMembers = Readonly<Record<string, unknown>>;

/** What makes the third part of a token. */
export interface Signer {
  readonly alg: string;
  readonly kid?: string;
  sign(input: string): Buffer;
}

/**
 * A compact JWS (RFC 7515 §7.1) that is really signed, whatever stands in its header and payload: a
 * library would refuse to make most of what an attacker sends. A string or buffer is taken as the raw text.
 */
export function compactJws(
  header: JsonMembers | string | Buffer,
  payload: JsonMembers | string | Buffer,
  signer: Signer,
): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`;
  return `${input}.${signer.sign(input).toString('base64url')}`;
}

/** One part of a compact JWS or JWE. */
export function encodePart(part: JsonMembers | string | Buffer): string {
  if (Buffer.isBuffer(part)) return part.toString('base64url');
  const text = typeof part === 'string' ? part : JSON.stringify(part);
  return Buffer.from(text).toString('base64url');
}

/** Signs with a key pair, by the key's own algorithm or by another one that the key can do. */
export function keySigner(key: SigningKey, alg: string = key.alg): Signer {
  return { alg, kid: key.kid, sign: (input) => signWith(key.privateKey, alg, input) };
}

/** Signs with a shared secret (HS256, HS384, HS512). */
export function hmacSigner(secret: string | Buffer, alg = 'HS256', kid?: string): Signer {
  const hash = `sha${alg.slice(2)}`;
  return {
    alg,
    ...(kid === undefined ? {} : { kid }),
    sign: (input) => createHmac(hash, secret).update(input).digest(),
  };
}

/** Leaves the third part empty, under any spelling of `none`. */
export function unsigned(alg = 'none'): Signer {
  return { alg, sign: () => Buffer.alloc(0) };
}

/** Puts these bytes in the place of the signature. */
export function fixedSignature(signature: Buffer, signer: Signer): Signer {
  return { ...signer, sign: () => signature };
}

function signWith(key: KeyObject, alg: string, input: string): Buffer {
  const data = Buffer.from(input);
  if (key.asymmetricKeyType === 'ed25519') return sign(null, data, key);

  const hash = `sha${alg.slice(2)}`;
  if (key.asymmetricKeyType === 'ec') return sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  if (!alg.startsWith('PS')) return sign(hash, data, key);
  return sign(hash, data, {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
}
