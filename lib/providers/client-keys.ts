import { createPublicKey } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import { jose } from '../libraries/jose.js';
import type { ResolvedClientKey } from '../options/client-keys.js';

/** The public part of a key of ours, as providers read it (RFC 7517 §4). */
export interface PublishedClientKey extends JWK {
  readonly kid: string;
  readonly alg: string;
  readonly use: 'sig';
}

/** A key that openid-client signs with. */
export interface SigningClientKey {
  readonly key: CryptoKey;
  /** What stands in the header of what it signs. */
  readonly header: Readonly<Record<string, string>>;
}

/** Made of the public part alone, so that nothing private can slip through. */
export async function publishedKey({
  key,
  alg,
  kid,
  ...certificate
}: ResolvedClientKey): Promise<PublishedClientKey> {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  const { kty = '', crv, n, e, x, y } = jwk;
  const members = {
    kty,
    crv,
    n,
    e,
    x,
    y,
    x5t: certificate.x5t,
    'x5t#S256': certificate['x5t#S256'],
  };
  const name = kid ?? (await (await jose()).calculateJwkThumbprint({ ...jwk, kty }));
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), kid: name, alg, use: 'sig' };
}

export async function signingKey(resolved: ResolvedClientKey): Promise<SigningClientKey> {
  const { importJWK } = await jose();
  const { alg, x5t, 'x5t#S256': x5tS256 } = resolved;
  const [key, { kid }] = await Promise.all([
    importJWK(resolved.key.export({ format: 'jwk' }), alg),
    publishedKey(resolved),
  ]);
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key');
  const header = {
    alg,
    kid,
    ...(x5t === undefined ? {} : { x5t }),
    ...(x5tS256 === undefined ? {} : { 'x5t#S256': x5tS256 }),
  };
  return { key, header };
}
