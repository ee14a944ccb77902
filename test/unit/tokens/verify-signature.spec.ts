import { constants, generateKeyPairSync, sign } from 'node:crypto';

import { CompactSign, exportJWK, importJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import { readCompactJws } from '../../../lib/tokens/compact-jws.js';
import { verifySignature } from '../../../lib/tokens/verify-signature.js';
import type { VerificationKey } from '../../../lib/tokens/verification-keys.js';

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** Usual ones, and those whose check could take long. */
const KEYS = {
  usual: { modulusLength: 2048, publicExponent: 65_537 },
  'with a small exponent': { modulusLength: 2048, publicExponent: 3 },
  'with a large exponent': { modulusLength: 2048, publicExponent: 0xffff_ffff },
};

type Pair = ReturnType<typeof rsaPair>;

function rsaPair(options: (typeof KEYS)['usual']) {
  return generateKeyPairSync('rsa', options);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** What may be done to a signature. */
const ALTERATIONS: Readonly<Record<string, (signature: Buffer) => Buffer>> = {
  none: (signature) => signature,
  'first bit': (signature) => flipped(signature, 0),
  'last bit': (signature) => flipped(signature, signature.length - 1),
  'a byte less': (signature) => signature.subarray(1),
  'a byte more in front': (signature) => Buffer.concat([Buffer.alloc(1), signature]),
  'a byte more behind': (signature) => Buffer.concat([signature, Buffer.alloc(1)]),
  'one byte': () => Buffer.alloc(1),
  'nothing but zeros': (signature) => Buffer.alloc(signature.length),
  'a one': (signature) => Buffer.concat([Buffer.alloc(signature.length - 1), Buffer.from([1])]),
  'nothing but ones': (signature) => Buffer.alloc(signature.length, 0xff),
};

async function signed({ privateKey }: Pair, alg: string, jti = 0): Promise<string> {
  const payload = Buffer.from(JSON.stringify({ iss: 'i', sub: `who is signed by ${alg}`, jti }));
  return new CompactSign(payload).setProtectedHeader({ alg }).sign(privateKey);
}

async function publicKeyFor({ publicKey }: Pair, alg: string): Promise<VerificationKey> {
  const key = await importJWK(await exportJWK(publicKey), alg);
  if (key instanceof Uint8Array) throw new Error('a secret');
  return { kid: undefined, key, source: {} };
}

async function ours(token: string, ...found: readonly VerificationKey[]): Promise<unknown> {
  const keys = { candidates: async () => found, holds: () => true };
  const { payload } = await verifySignature(token, readCompactJws(token), {
    keys,
    algorithms: ALGORITHMS,
  });
  return payload['sub'];
}

const REFUSED = 'refused';
const INVALID = expect.objectContaining({ error: 'invalid_token' });

describe.each(Object.entries(KEYS))('an RSA signature by a key that is %s', (_, options) => {
  let pair: Pair;
  let another: Pair;

  beforeAll(() => {
    pair = rsaPair(options);
    another = rsaPair(KEYS.usual);
  });

  it.each(ALGORITHMS)('JV-5: is good by %s, and by no other algorithm', async (alg) => {
    const token = await signed(pair, alg);

    expect(await ours(token, await publicKeyFor(pair, alg))).toBe(`who is signed by ${alg}`);
    for (const other of ALGORITHMS.filter((one) => one !== alg)) {
      const key = await publicKeyFor(pair, other);
      await expect(ours(token, key), other).rejects.toThrow(INVALID);
      // By its own key, under the name of another algorithm.
      const [, payload, signature] = token.split('.');
      const header = Buffer.from(JSON.stringify({ alg: other })).toString('base64url');
      await expect(ours(`${header}.${payload}.${signature}`, key), other).rejects.toThrow(INVALID);
    }
  });

  it('JV-5: is good by no algorithm but the one that the header names', async () => {
    const [header, payload] = [{ alg: 'RS256' }, { iss: 'i', sub: 's' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const signature = sign('sha256', Buffer.from(`${header}.${payload}`), {
      key: pair.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });
    const token = `${header}.${payload}.${signature.toString('base64url')}`;

    for (const alg of ['PS256', 'RS256']) {
      await expect(ours(token, await publicKeyFor(pair, alg)), alg).rejects.toThrow(INVALID);
    }
  });

  it.each(ALGORITHMS)('JV-5: is good by %s in one spelling alone', async (alg) => {
    const key = await publicKeyFor(pair, alg);
    const token = await signed(pair, alg);
    const end = token.lastIndexOf('.') + 1;
    const signature = Buffer.from(token.slice(end), 'base64url');

    for (const [what, alter] of Object.entries(ALTERATIONS)) {
      const altered = `${token.slice(0, end)}${alter(signature).toString('base64url')}`;
      const expected = what === 'none' ? `who is signed by ${alg}` : REFUSED;
      expect(await ours(altered, key).catch(() => REFUSED), what).toBe(expected);
    }
  });

  it.each(['RS256', 'PS256'])('JV-5: by %s is not good without its leading zeros', async (alg) => {
    const key = await publicKeyFor(pair, alg);
    let [token, signature] = ['', Buffer.from([1])];
    for (let at = 0; signature[0] !== 0; at += 1) {
      token = await signed(pair, alg, at);
      signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
    }
    const spelled = (bytes: Buffer): string =>
      `${token.slice(0, token.lastIndexOf('.') + 1)}${bytes.toString('base64url')}`;

    expect(await ours(spelled(signature), key)).toBe(`who is signed by ${alg}`);
    await expect(ours(spelled(signature.subarray(1)), key)).rejects.toThrow(INVALID);
    await expect(ours(spelled(Buffer.concat([Buffer.alloc(1), signature])), key)).rejects.toThrow(
      INVALID,
    );
  });

  it('JV-5: is looked for with all keys of its id', async () => {
    const token = await signed(pair, 'RS256');
    const [good, bad] = await Promise.all([pair, another].map((one) => publicKeyFor(one, 'RS256')));
    if (good === undefined || bad === undefined) throw new Error('no keys');

    expect(await ours(token, bad, good)).toBe('who is signed by RS256');
    await expect(ours(token, bad)).rejects.toThrow(INVALID);
    await expect(ours(token)).rejects.toThrow(INVALID);
  });
});
