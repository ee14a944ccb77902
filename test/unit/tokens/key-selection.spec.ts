import { describe, expect, it } from 'vitest';

import { compactJws, keySigner } from '../../support/compact-jws.js';
import { testKey } from '../../support/signing-keys.js';
import { keylessToken } from '../../support/token-vectors.js';
import { startVerifier } from '../../support/verifier.js';

describe('the key that a token is held against', () => {
  it.each([
    ['for encryption', { use: 'enc' }],
    ['for other operations', { key_ops: ['encrypt', 'wrapKey'] }],
    ['with operations that are no list', { key_ops: 'verify' }],
    ['for another algorithm', { alg: 'PS256' }],
    ['for a shared-secret algorithm', { alg: 'HS256' }],
    ['with an algorithm that is no text', { alg: 1 }],
    ['of a type that its algorithm does not have', { kty: 'EC', crv: 'P-256' }],
  ])('JV-2: refuses a genuine signature of a key published %s', async (_kind, members) => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['RS256'] } });
    const token = provider.accessToken();
    provider.behaviour.jwks = ({ keys }) => ({
      keys: keys.map((key) => ({ ...key, ...members })),
    });

    expect(await verifier.outcome(token)).toBe('401 invalid_token');
  });

  it.each([
    ['EC key of another curve', 'ES256', { crv: 'P-384' }],
    ['Ed25519 key called X25519', 'EdDSA', { crv: 'X25519' }],
    ['Ed25519 key called an EC key', 'EdDSA', { kty: 'EC' }],
    ['Ed25519 key called Ed448', 'EdDSA', { crv: 'Ed448' }],
  ] as const)('JV-2: refuses a genuine signature of an %s', async (_kind, alg, members) => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: [alg] } });
    const token = provider.accessToken();
    provider.behaviour.jwks = ({ keys }) => ({
      keys: keys.map((key) => ({ ...key, ...members })),
    });

    expect(await verifier.outcome(token)).toBe('401 invalid_token');
  });

  it('JV-2: takes every algorithm that a key without "alg" can do, and no other', async () => {
    const { provider, verifier } = await startVerifier();
    const [rsa] = provider.keys;
    if (rsa === undefined) throw new Error('no key');
    provider.behaviour.jwks = ({ keys }) => ({ keys: keys.map(({ alg: _alg, ...key }) => key) });
    const signed = (alg: string): string =>
      provider.accessToken({}, { alg }, keySigner(rsa, alg === 'ES256' ? 'RS256' : alg));

    expect(await verifier.outcome(signed('RS256'))).toBe('accepted');
    expect(await verifier.outcome(signed('PS384'))).toBe('accepted');
    expect(await verifier.outcome(signed('ES256'))).toBe('401 invalid_token');
  });

  it('JV-1: accepts only the algorithms of the option "tokenAlgorithms"', async () => {
    const { provider, verifier } = await startVerifier({ options: { tokenAlgorithms: ['ES256'] } });
    const [rsa, ec] = provider.keys;
    if (rsa === undefined || ec === undefined) throw new Error('no keys');

    expect(await verifier.outcome(provider.accessToken({}, {}, rsa))).toBe('401 invalid_token');
    expect(await verifier.outcome(provider.accessToken({}, {}, ec))).toBe('accepted');
  });

  it('JV-3: does not try the key of another issuer that has the same key id', async () => {
    const { provider, verifier } = await startVerifier();
    const stranger = await testKey('RS256', 'stranger');
    const token = provider.accessToken({}, { kid: provider.signingKey.kid }, stranger);

    expect(await verifier.outcome(token)).toBe('401 invalid_token');
  });

  it('JV-4: accepts a token without key id when exactly one key fits its algorithm', async () => {
    const { provider, verifier } = await startVerifier();

    expect(await verifier.outcome(await keylessToken(provider.vectorSource))).toBe('accepted');
  });

  it('JV-4: refuses a token without key id when two keys fit its algorithm, whichever signed it', async () => {
    const { provider, verifier } = await startVerifier();
    const before = provider.signingKey;
    await provider.rotateKeys();

    for (const key of [before, provider.signingKey]) {
      const token = provider.accessToken({}, { kid: undefined }, key);
      expect(await verifier.outcome(token)).toBe('401 invalid_token');
    }
  });

  it('JV-4: accepts a token without key id from an issuer whose only key has none either', async () => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['ES256'] } });
    provider.behaviour.jwks = ({ keys }) => ({ keys: keys.map(({ kid: _kid, ...key }) => key) });

    expect(await verifier.outcome(await keylessToken(provider.vectorSource))).toBe('accepted');
    expect(await verifier.outcome(provider.accessToken())).toBe('401 invalid_token');
  });

  it('JV-4: accepts a key id of 256 characters and refuses one more', async () => {
    const long = 'k'.repeat(256);
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['ES256'] } });
    provider.behaviour.jwks = ({ keys }) => ({
      keys: keys.flatMap((key) => [
        { ...key, kid: long },
        { ...key, kid: `${long}k` },
      ]),
    });
    const named = (kid: string): string => provider.accessToken({}, { kid });

    expect(await verifier.outcome(named(long))).toBe('accepted');
    expect(await verifier.outcome(named(`${long}k`))).toBe('401 invalid_token');
  });

  it('JV-4: asks for a key id that is known but does not fit no second time', async () => {
    const { provider, verifier } = await startVerifier();
    const [rsa, ec] = provider.keys;
    if (rsa === undefined || ec === undefined) throw new Error('no keys');
    const mixed = compactJws(
      { alg: 'ES256', kid: rsa.kid },
      { iss: provider.issuer },
      keySigner(ec),
    );

    await verifier.verify(provider.accessToken());
    const outcome = await verifier.outcome(mixed);

    expect(outcome).toBe('401 invalid_token');
    expect(provider.requestsTo('jwks')).toHaveLength(1);
  });
});
