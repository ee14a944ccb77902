import { SignJWT, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';

import { signJwt } from '../../../lib/keys/sign-jwt.js';
import type { SigningKey } from '../../../lib/keys/signing-key.js';
import type { SigningAlgorithm } from '../../../lib/options/broker-options.js';
import { startKeyKeeper } from '../../support/key-keeper.js';

const claims = {
  sub: 'Zoë \u{1F600} \uD800 "quoted" \u0000',
  roles: ['staff', ''],
  nested: { deep: [{ er: null }] },
  absent: undefined,
  iat: 1,
  exp: 4_000_000_000,
};

async function newKey(signingAlgorithm: SigningAlgorithm): Promise<SigningKey> {
  const { keys } = await startKeyKeeper({ broker: { signingAlgorithm } });
  return keys.current();
}

const made = new Map<SigningAlgorithm, SigningKey>();

/** The same for all tests: an RSA key takes seconds. */
async function keyOf(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const key = made.get(algorithm) ?? (await newKey(algorithm));
  made.set(algorithm, key);
  return key;
}

const inputOf = (jwt: string): string => jwt.slice(0, jwt.lastIndexOf('.'));

describe.each<[algorithm: SigningAlgorithm, signatureBytes: number]>([
  ['RS256', 384],
  ['ES256', 64],
  ['EdDSA', 64],
])('JV-8: a token that is signed with %s', (algorithm, signatureBytes) => {
  it('says what jose would have written, and is taken by it', async () => {
    const key = await keyOf(algorithm);
    const token = await signJwt(claims, 'at+jwt', key);

    const header = { alg: algorithm, kid: key.kid, typ: 'at+jwt' };
    const byJose = await new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey);
    expect(inputOf(token)).toBe(inputOf(byJose));
    const { payload } = await jwtVerify(token, key.publicKey, { algorithms: [algorithm] });
    expect(payload).toEqual(decodeJwt(byJose));
    expect(decodeProtectedHeader(token)).toEqual(header);
  });

  it('has a signature of the length that its algorithm has', async () => {
    const key = await keyOf(algorithm);
    for (let time = 0; time < 50; time += 1) {
      const [, , signature = ''] = (await signJwt({ time }, 'at+jwt', key)).split('.');
      expect(Buffer.from(signature, 'base64url')).toHaveLength(signatureBytes);
      expect(signature).toMatch(/^[\w-]+$/);
    }
  });

  it('is taken by its key, and by no other one', async () => {
    const key = await keyOf(algorithm);
    const other = await newKey(algorithm);

    const token = await signJwt({ sub: 'alice' }, 'at+jwt', key);

    await expect(jwtVerify(token, key.publicKey)).resolves.toBeDefined();
    await expect(jwtVerify(token, other.publicKey)).rejects.toThrow();
  });
});
