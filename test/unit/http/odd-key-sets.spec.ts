import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { usableKeys } from '../../../lib/http/usable-keys.js';
import { answerWith } from '../../support/faults.js';
import { testKey, withKid, type SigningKey } from '../../support/signing-keys.js';
import { startVerifier } from '../../support/verifier.js';

const { n: WEAK_N } = publicJwk(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
const BYTES_32 = Buffer.alloc(32, 7).toString('base64url');

/** Ed25519 keys are made fast. */
const edwards: Parameters<typeof startVerifier>[0] = { provider: { algorithms: ['EdDSA'] } };

function publicJwk(key: KeyObject): JsonWebKey {
  return key.export({ format: 'jwk' });
}

/** Entries that cannot verify anything, each under a key id of its own; the members of good ones come from `rsa`. */
function unusableEntries(rsa: SigningKey): Record<string, unknown> {
  const { n, e } = rsa.publicJwk;
  return {
    null: null,
    'a text': 'key',
    'a list': [{ kty: 'RSA', n, e }],
    'an empty object': {},
    'no kty': { n, e },
    'an unknown kty': { kty: 'XYZ', n, e },
    'a kty that is a list': { kty: ['RSA'], n, e },
    'a shared secret': { kty: 'oct', k: BYTES_32, alg: 'HS256' },
    'a shared secret that says RSA': { kty: 'RSA', k: BYTES_32, n, e },
    'a private key': { ...rsa.privateJwk },
    'a key for encryption': { kty: 'RSA', n, e, use: 'enc' },
    'a use that is a list': { kty: 'RSA', n, e, use: ['sig'] },
    'a weak RSA key': { kty: 'RSA', n: WEAK_N, e },
    'a weak RSA key with zeros in front': {
      kty: 'RSA',
      n: Buffer.concat([Buffer.alloc(128), Buffer.from(WEAK_N ?? '', 'base64url')]).toString(
        'base64url',
      ),
      e,
    },
    'an RSA key without modulus': { kty: 'RSA', e },
    'an RSA key without exponent': { kty: 'RSA', n },
    'an RSA key of zeros': { kty: 'RSA', n: Buffer.alloc(256).toString('base64url'), e },
    'an EC key without y': { kty: 'EC', crv: 'P-256', x: BYTES_32 },
    'an unknown curve': { kty: 'EC', crv: 'secp256k1', x: BYTES_32, y: BYTES_32 },
    'an X25519 key': { kty: 'OKP', crv: 'X25519', x: BYTES_32 },
    'an empty key id': { kty: 'RSA', n, e, kid: '' },
    'a key id that is a number': { kty: 'RSA', n, e, kid: 1 },
    'a key id that is an object': { kty: 'RSA', n, e, kid: {} },
    'operations of signing only': { kty: 'RSA', n, e, key_ops: ['sign'] },
    __proto__: JSON.parse('{"__proto__":{"kty":"RSA"}}'),
  };
}

/** Entries that look usable and that no library can import. */
const brokenEntries: readonly [kind: string, alg: SigningKey['alg'], members: object][] = [
  ['a point that is not on its curve', 'ES256', { x: BYTES_32, y: BYTES_32 }],
  ['a coordinate that is too short', 'ES256', { x: 'AAAA' }],
  ['an Ed25519 key that is too short', 'EdDSA', { x: 'AAAA' }],
  ['an Ed25519 key that is too long', 'EdDSA', { x: Buffer.alloc(64, 7).toString('base64url') }],
  ['an RSA exponent that is no base64url', 'RS256', { e: '!!!!' }],
  ['an RSA exponent of zero', 'RS256', { e: 'AA' }],
  ['an RSA exponent of one', 'RS256', { e: 'AQ' }],
  ['an even RSA exponent', 'RS256', { e: 'Ag' }],
  ['operations of signing too', 'RS256', { key_ops: ['sign', 'verify', 'encrypt'] }],
  ['operations twice', 'RS256', { key_ops: ['verify', 'verify'] }],
  ['operations that are no text', 'RS256', { key_ops: ['verify', 1, null] }],
  ['ext that is no boolean', 'RS256', { ext: 'x' }],
  [
    'members of a private key without d',
    'RS256',
    { p: 'AQ', q: 'AQ', dp: 'AQ', dq: 'AQ', qi: 'AQ' },
  ],
  ['further primes', 'RS256', { oth: [{ r: 'AQ', d: 'AQ', t: 'AQ' }] }],
];

/** Fills a key set up with copies of its first key, each under an id of its own. */
const filled =
  (count: number) =>
  ({ keys }: { keys: object[] }): object => {
    const fillers = Array.from({ length: count - keys.length }, (_, index) => {
      return { ...keys[0], kid: `filler ${index}` };
    });
    return { keys: [...fillers, ...keys] };
  };

describe('a key set with odd entries', () => {
  it('JW-6: skips what cannot be used and verifies with the rest', async () => {
    const { provider, verifier } = await startVerifier();
    const odd = Object.values(unusableEntries(await testKey('RS256', 'odd')));
    provider.behaviour.jwks = ({ keys }) => ({ keys: [...odd, ...keys, ...odd] });

    for (const key of provider.keys) {
      expect(await verifier.outcome(provider.accessToken({}, {}, key))).toBe('accepted');
    }
  });

  it('JW-6: counts none of them as usable', async () => {
    const odd = unusableEntries(await testKey('RS256', 'odd'));

    for (const [kind, entry] of Object.entries(odd)) {
      expect({ kind, usable: usableKeys({ keys: [entry] }) }).toEqual({ kind, usable: [] });
    }
  });

  it('JW-6: verifies nothing with an entry that it skips', async () => {
    const odd = await testKey('RS256', 'odd');
    for (const [kind, entry] of Object.entries(unusableEntries(odd))) {
      const { provider, verifier } = await startVerifier(edwards);
      const named = typeof entry === 'object' && entry !== null ? { kid: 'odd', ...entry } : entry;
      provider.behaviour.jwks = ({ keys }) => ({ keys: [...keys, named] });

      const outcome = await verifier.outcome(provider.accessToken({}, {}, withKid(odd, 'odd')));

      expect({ kind, outcome }).toEqual({ kind, outcome: '401 invalid_token' });
    }
  });

  it.each(brokenEntries)(
    'JW-6: fails in no other way over %s, and verifies with the rest',
    async (_kind, alg, members) => {
      const { provider, verifier } = await startVerifier(edwards);
      const broken = withKid(await testKey(alg, 'broken'), 'broken');
      provider.behaviour.jwks = ({ keys }) => ({
        keys: [{ ...broken.publicJwk, ...members }, ...keys],
      });

      const outcome = await verifier.outcome(provider.accessToken({}, {}, broken));

      expect(['401 invalid_token', 'accepted']).toContain(outcome);
      expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    },
  );

  it('JW-6: takes a set of 100 keys, and none of 101', async () => {
    const small = await startVerifier(edwards);
    const large = await startVerifier(edwards);
    small.provider.behaviour.jwks = filled(100);
    large.provider.behaviour.jwks = filled(101);

    expect(await small.verifier.outcome(small.provider.accessToken())).toBe('accepted');
    expect(await large.verifier.outcome(large.provider.accessToken())).toBe('502 server_error');
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['a text', '"keys"'],
    ['null', 'null'],
    ['an empty object', {}],
    ['keys that are an object', { keys: {} }],
    ['keys that are a text', { keys: 'x' }],
    ['keys that are null', { keys: null }],
    ['a list of keys without wrapping', [{ kty: 'RSA' }]],
    ['half of its JSON', '{"keys":['],
    ['no JSON', 'keys'],
    ['bad UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['nesting without end', `{"keys":${'['.repeat(200_000)}`],
    ['another kind of JSON', '{"keys":[]}}'],
  ])(
    'JW-6: answers 502 to a document that is %s, and keeps the keys that it had',
    async (_kind, body) => {
      const cold = await startVerifier(edwards);
      const warm = await startVerifier(edwards);
      await warm.verifier.verify(warm.provider.accessToken());
      for (const { provider } of [cold, warm]) {
        provider.behaviour.faults.jwks = answerWith({ status: 200, body });
      }

      expect(await cold.verifier.outcome(cold.provider.accessToken())).toBe('502 server_error');
      for (let minute = 0; minute < 20; minute += 1) {
        warm.clock.advance(60);
        expect(await warm.verifier.outcome(warm.provider.accessToken())).toBe('accepted');
      }
    },
  );

  it.each([201, 204, 206, 400, 401, 403, 404, 410])(
    'JW-6: does not take keys from an answer %d',
    async (status) => {
      const { provider, verifier } = await startVerifier(edwards);
      const body = status === 204 ? undefined : provider.jwks;
      provider.behaviour.faults.jwks = answerWith({ status, body });

      expect(await verifier.outcome(provider.accessToken())).toBe('502 server_error');
    },
  );
});
