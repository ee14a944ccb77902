import { generateKeyPairSync } from 'node:crypto';

import type { JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import { keySigner, type Signer } from '../../support/compact-jws.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';
import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';
import { testKey, withKid, type SigningKey } from '../../support/signing-keys.js';
import { startVerifier } from '../../support/verifier.js';

const KID = 'one';

interface Keys {
  readonly rsa: SigningKey;
  readonly otherRsa: SigningKey;
  readonly p256: SigningKey;
  readonly p384: SigningKey;
  readonly ed25519: SigningKey;
}

/** A key set in which one id stands more than once, and tokens that keys of it have signed. */
type Case = (keys: Keys) => { entries: readonly object[]; signers: readonly Signer[] };

function p384(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const publicJwk: JWK = { ...publicKey.export({ format: 'jwk' }), kid: KID, alg: 'ES384' };
  return { alg: 'ES256', kid: KID, privateKey, publicKey, publicJwk, privateJwk: {} };
}

const bare = ({ alg: _alg, use: _use, ...jwk }: JWK): JWK => jwk;

const cases: Readonly<Record<string, Case>> = {
  'one RSA key once for each algorithm': ({ rsa }) => ({
    entries: ['RS256', 'RS512', 'PS256'].map((alg) => ({ ...rsa.publicJwk, alg })),
    signers: ['RS256', 'RS512', 'PS256'].map((alg) => keySigner(rsa, alg)),
  }),
  'one RSA key with an algorithm and without': ({ rsa }) => ({
    entries: [rsa.publicJwk, bare(rsa.publicJwk)],
    signers: [keySigner(rsa), keySigner(rsa, 'PS384')],
  }),
  'the very same entry twice': ({ p256 }) => ({
    entries: [p256.publicJwk, { ...p256.publicJwk }],
    signers: [keySigner(p256)],
  }),
  'keys of different types': ({ rsa, p256, ed25519 }) => ({
    entries: [rsa, p256, ed25519].map(({ publicJwk }) => bare(publicJwk)),
    signers: [keySigner(rsa), keySigner(p256), keySigner(ed25519)],
  }),
  'keys on different curves': ({ p256, p384: larger }) => ({
    entries: [bare(p256.publicJwk), bare(larger.publicJwk)],
    signers: [keySigner(p256), keySigner(larger, 'ES384')],
  }),
  'a key for encryption by its use': ({ rsa, otherRsa }) => ({
    entries: [{ ...bare(otherRsa.publicJwk), use: 'enc' }, rsa.publicJwk],
    signers: [keySigner(rsa)],
  }),
  'a key for encryption by its algorithm': ({ rsa, otherRsa }) => ({
    entries: [{ ...bare(otherRsa.publicJwk), alg: 'RSA-OAEP' }, bare(rsa.publicJwk)],
    signers: [keySigner(rsa)],
  }),
  'a key for encryption by its operations': ({ rsa, otherRsa }) => ({
    entries: [{ ...bare(otherRsa.publicJwk), key_ops: ['encrypt'] }, bare(rsa.publicJwk)],
    signers: [keySigner(rsa)],
  }),
  'entries that are no keys': ({ p256 }) => ({
    entries: [{ kty: 'EC', kid: KID }, { ...p256.publicJwk, y: p256.publicJwk.x }, p256.publicJwk],
    signers: [keySigner(p256)],
  }),
  'the key before and the key of now': ({ rsa, otherRsa }) => ({
    entries: [rsa.publicJwk, otherRsa.publicJwk],
    signers: [keySigner(rsa), keySigner(otherRsa)],
  }),
  'members that are null': ({ rsa, p256 }) => ({
    entries: [rsa, p256].map(({ publicJwk }) => {
      return { ...publicJwk, use: null, alg: null, key_ops: null, d: null, k: null, x5c: null };
    }),
    signers: [keySigner(rsa), keySigner(p256)],
  }),
};

function everyOrder<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((first, index) =>
    everyOrder(list.filter((_, other) => other !== index)).map((rest) => [first, ...rest]),
  );
}

interface Judge {
  outcome(token: string): Promise<string>;
}

async function startProvider(): Promise<{ issuer: MisbehavingProvider; judge: Judge }> {
  const { provider, verifier } = await startVerifier();
  return { issuer: provider, judge: verifier };
}

async function startTrusted(): Promise<{ issuer: MisbehavingProvider; judge: Judge }> {
  const clock = new FakeClock();
  const issuer = await startPeer(clock);
  const judge = await startFederation({ clock, trustedIssuers: [issuer.issuer] });
  return { issuer, judge };
}

describe.each([
  ['the provider', startProvider],
  ['a trusted issuer', startTrusted],
])('a key set of %s in which one key id stands more than once', (_whose, start) => {
  let keys: Keys;

  beforeAll(async () => {
    const [rsa, otherRsa, p256, ed25519] = await Promise.all([
      testKey('RS256', 'one key id'),
      testKey('RS256', 'one key id, another key'),
      testKey('ES256', 'one key id'),
      testKey('EdDSA', 'one key id'),
    ]);
    keys = {
      rsa: withKid(rsa, KID),
      otherRsa: withKid(otherRsa, KID),
      p256: withKid(p256, KID),
      p384: p384(),
      ed25519: withKid(ed25519, KID),
    };
  });

  it.each(Object.keys(cases))(
    'JW-6: verifies by key type, curve, algorithm and use, in any order: %s',
    async (name) => {
      const made = cases[name]?.(keys);
      if (made === undefined) throw new Error('no such case');
      for (const order of everyOrder(made.entries)) {
        const { issuer, judge } = await start();
        issuer.behaviour.jwks = () => ({ keys: order });

        for (const signer of made.signers) {
          const token = issuer.accessToken({}, { alg: signer.alg }, signer);
          expect({ alg: signer.alg, outcome: await judge.outcome(token) }).toEqual({
            alg: signer.alg,
            outcome: 'accepted',
          });
        }
      }
    },
  );

  it('JV-2: lets no key verify what its own entry excludes', async () => {
    const { rsa, p256 } = keys;
    const stranger = withKid(await testKey('RS256', 'stranger'), KID);
    for (const order of everyOrder([{ ...rsa.publicJwk, alg: 'RS512' }, p256.publicJwk])) {
      const { issuer, judge } = await start();
      issuer.behaviour.jwks = () => ({ keys: order });

      for (const signer of [keySigner(rsa), keySigner(rsa, 'PS512'), keySigner(stranger)]) {
        const token = issuer.accessToken({}, { alg: signer.alg }, signer);
        expect(await judge.outcome(token)).toBe('401 invalid_token');
      }
    }
  });

  it('JW-6: tries no more than four keys of one id and kind', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const many = await Promise.all(names.map((name) => testKey('ES256', `of many ${name}`)));
    const [first] = many;
    if (first === undefined) throw new Error('no key');
    const publish = (count: number) => () => ({
      keys: many.slice(0, count).map((key) => withKid(key, KID).publicJwk),
    });
    const [four, five] = [await start(), await start()];
    four.issuer.behaviour.jwks = publish(4);
    five.issuer.behaviour.jwks = publish(5);
    const token = (issuer: MisbehavingProvider) => issuer.accessToken({}, {}, withKid(first, KID));

    expect(await four.judge.outcome(token(four.issuer))).toBe('accepted');
    expect(await five.judge.outcome(token(five.issuer))).toBe('401 invalid_token');
  });
});
