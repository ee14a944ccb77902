import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** The algorithms that test keys are made for. */
export type KeyAlgorithm = 'RS256' | 'ES256' | 'EdDSA';

/** A key pair in the shapes that signing, publishing and attacking need. */
export interface SigningKey {
  readonly alg: KeyAlgorithm;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As it is published: with `kid`, `use` and `alg`. */
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

const made = new Map<string, Promise<SigningKey>>();

/**
 * A key pair, made once a process for each algorithm and name: RSA-2048, P-256 or Ed25519.
 *
 * @example `await testKey('RS256', 'attacker')`
 */
export function testKey(alg: KeyAlgorithm, name = 'default'): Promise<SigningKey> {
  const id = `${alg} ${name}`;
  const key = made.get(id) ?? makeKey(alg);
  made.set(id, key);
  return key;
}

/** The same key under another key id. */
export function withKid(key: SigningKey, kid: string): SigningKey {
  return {
    ...key,
    kid,
    publicJwk: { ...key.publicJwk, kid },
    privateJwk: { ...key.privateJwk, kid },
  };
}

async function makeKey(alg: KeyAlgorithm): Promise<SigningKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const [secretPart, openPart] = await Promise.all([
    exportJWK(pair.privateKey),
    exportJWK(pair.publicKey),
  ]);
  const kid = await calculateJwkThumbprint(openPart);
  const members = { kid, use: 'sig', alg };

  return {
    alg,
    kid,
    privateKey: createPrivateKey({ key: secretPart, format: 'jwk' }),
    publicKey: createPublicKey({ key: openPart, format: 'jwk' }),
    publicJwk: { ...openPart, ...members },
    privateJwk: { ...secretPart, ...members },
  };
}
