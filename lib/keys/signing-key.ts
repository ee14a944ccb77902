import {
  type CryptoKey,
  type JWK,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
} from 'jose';
import type { SigningAlgorithm } from '../options/broker-options.js';
import { isRecord } from '../options/value-rules.js';
import type { RowSealer } from '../sealing/key-ring.js';
import type { StoredSigningKey } from '../contract/broker-store.js';

const RSA_BITS = 3072;

/** The members of a public key, by its type (RFC 7518 §6, RFC 8037 §2): nothing else of a JWK is ever published. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};

/** A published key (RFC 7517 §4). */
export interface PublishedKey extends JWK {
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: string;
}

/** What a new key is to be like. */
export interface KeyWish {
  readonly sequence: number;
  readonly algorithm: SigningAlgorithm;
  /** No token that it signs lives longer. */
  readonly tokenLifetimeSec: number;
}

/** A signing key, decrypted and ready. */
export interface SigningKey {
  readonly sequence: number;
  readonly kid: string;
  readonly algorithm: string;
  readonly signsFrom: Date;
  /** No token that it signs lives longer; `undefined` for keys of versions that did not write it down. */
  readonly tokenLifetimeSec: number | undefined;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly published: PublishedKey;
}

function publicPart(jwk: JWK): JWK {
  const members = PUBLIC_MEMBERS[jwk.kty ?? ''] ?? [];
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => members.includes(name)));
}

function placeOf(sequence: number): string {
  return `signing-key/${sequence}/private`;
}

async function cryptoKey(jwk: JWK, algorithm: string): Promise<CryptoKey> {
  const key = await importJWK(jwk, algorithm);
  if (!(key instanceof Uint8Array)) return key;
  throw new TypeError('A symmetric key cannot sign');
}

/**
 * Makes a key (RSA with 3072 bits, P-256 or Ed25519), off the event loop's thread, encrypted for the store. How long its tokens
 * may live stands beside the private JWK: whoever has the key has that too, in every store and every version.
 */
export async function newSigningKey(
  { sequence, algorithm, tokenLifetimeSec }: KeyWish,
  sealer: RowSealer,
): Promise<Pick<StoredSigningKey, 'kid' | 'sealed'>> {
  const pair = await generateKeyPair(algorithm, { extractable: true, modulusLength: RSA_BITS });
  const jwk = await exportJWK(pair.privateKey);
  return {
    kid: await calculateJwkThumbprint(publicPart(jwk)),
    sealed: await sealer.seal(JSON.stringify({ ...jwk, tokenLifetimeSec }), placeOf(sequence)),
  };
}

/**
 * Decrypts a stored key. Its public half is derived from the private one, so that a row planted in the database, which
 * nobody could encrypt, verifies nothing.
 *
 * @returns `undefined` when it cannot be decrypted; `resealed` when its encryption should be replaced by that.
 */
export async function openSigningKey(
  stored: StoredSigningKey,
  sealer: RowSealer,
): Promise<{ key: SigningKey; resealed: string | undefined } | undefined> {
  const place = placeOf(stored.sequence);
  const opened = await sealer.open(stored.sealed, place);
  if (opened === undefined) return undefined;
  const parsed: unknown = JSON.parse(opened.text);
  if (!isRecord(parsed)) return undefined;
  const { tokenLifetimeSec, ...jwk } = parsed;
  const { algorithm, sequence, signsFrom } = stored;
  const half = publicPart(jwk);
  const kid = await calculateJwkThumbprint(half); // RFC 7638
  return {
    key: {
      sequence,
      kid,
      algorithm,
      signsFrom,
      tokenLifetimeSec: typeof tokenLifetimeSec === 'number' ? tokenLifetimeSec : undefined,
      privateKey: await cryptoKey(jwk, algorithm),
      publicKey: await cryptoKey(half, algorithm),
      published: { ...half, kid, use: 'sig', alg: algorithm },
    },
    resealed: opened.current ? undefined : await sealer.seal(opened.text, place),
  };
}
