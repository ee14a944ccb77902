import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import { publishedKey, signingKey } from '../../../lib/providers/client-keys.js';
import { goodOptions, resolveWith, startUpMessage } from './config-error.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const p256 = ec('P-256');
const ed25519 = generateKeyPairSync('ed25519').privateKey;

const pem = (key: typeof rsa): string => String(key.export({ format: 'pem', type: 'pkcs8' }));
const jwk = (key: typeof rsa): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }) });
const keysOf = (...clientKeys: unknown[]) =>
  resolveWith({ clientSecret: undefined, clientKeys }).clientKeys;
const message = (...clientKeys: unknown[]): string =>
  startUpMessage(() => resolveWith({ clientKeys }));

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

describe('client keys', () => {
  it.each([
    ['an RSA PEM', pem(rsa), 'PS256'],
    ['an RSA PEM of PKCS #1', String(rsa.export({ format: 'pem', type: 'pkcs1' })), 'PS256'],
    ['an RSA JWK', jwk(rsa), 'PS256'],
    ['an RSA JWK with an algorithm', { ...jwk(rsa), alg: 'RS256' }, 'RS256'],
    ['a PEM on P-256', String(p256.export({ format: 'pem', type: 'sec1' })), 'ES256'],
    ['a JWK on P-384', jwk(ec('P-384')), 'ES384'],
    ['a JWK on P-521', jwk(ec('P-521')), 'ES512'],
    ['an Ed25519 PEM', pem(ed25519), 'EdDSA'],
  ])('CA-1: %s signs, and its public part alone is published', async (_, key, alg) => {
    const [resolved] = keysOf({ key });
    if (resolved === undefined) throw new Error('no key');

    const published = await publishedKey(resolved);
    const signing = await signingKey(resolved);

    expect(resolved.alg).toBe(alg);
    expect(published).toMatchObject({ alg, use: 'sig', kid: expect.stringMatching(/^[\w-]{43}$/) });
    expect(Object.keys(published).filter((name) => PRIVATE.includes(name))).toEqual([]);
    expect(() => createPublicKey({ key: { ...published }, format: 'jwk' })).not.toThrow();
    expect(signing.header).toEqual({ alg, kid: published.kid });
    expect(signing.key.extractable).toBe(false);
  });

  it('have the names and certificates that they are given', async () => {
    const [one, other] = keysOf(
      { key: { ...jwk(p256), kid: 'of-the-jwk' } },
      { key: pem(rsa), kid: 'mine', alg: 'RS256', x5t: 'sha1', 'x5t#S256': 'sha256' },
    );
    if (one === undefined || other === undefined) throw new Error('no key');

    expect((await publishedKey(one)).kid).toBe('of-the-jwk');
    expect((await signingKey(other)).header).toEqual({
      alg: 'RS256',
      kid: 'mine',
      x5t: 'sha1',
      'x5t#S256': 'sha256',
    });
    expect(await publishedKey(other)).toMatchObject({ kid: 'mine', 'x5t#S256': 'sha256' });
  });

  it('do not show themselves in options that are printed', () => {
    const { d } = jwk(p256);
    const resolved = resolveWith({ clientKeys: [{ key: jwk(p256) }, { key: pem(rsa) }] });

    for (const text of [inspect(resolved, { depth: 20 }), JSON.stringify(resolved)]) {
      expect(text).not.toContain(d);
      expect(text).not.toContain('PRIVATE KEY');
    }
  });

  it.each([
    ['a public key', { key: String(createPublicKey(rsa).export({ format: 'pem', type: 'spki' })) }],
    ['a public JWK', { key: { ...createPublicKey(p256).export({ format: 'jwk' }) } }],
    ['a shared secret', { key: { kty: 'oct', k: 'Y2FuYXJ5LWtleQ' } }],
    ['no key at all', { key: 'canary-key' }],
    ['a file name', { key: './canary.pem' }],
  ])('%s stops start-up, and is not shown', (_, key) => {
    const text = message({ key: pem(rsa) }, key);

    expect(text).toMatch(/^Option "clientKeys\[1\]" is no private key/);
    expect(text).not.toMatch(/canary|Y2FuYXJ5/);
  });

  it('that cannot sign well enough stop start-up', () => {
    expect(message({ key: pem(short) })).toContain('RSA key of less than 2048 bits');
    expect(message({ key: pem(ec('secp256k1')) })).toContain('is neither RSA, nor EC');
    expect(message({ key: pem(generateKeyPairSync('x25519').privateKey) })).toContain('neither');
    expect(message({ key: pem(p256), alg: 'RS256' })).toContain('It can with ES256.');
    expect(message({ key: pem(p256), kid: 'a' }, { key: pem(rsa), kid: 'a' })).toContain(
      'two keys with the "kid" "a"',
    );
  });
});

describe('client authentication', () => {
  const key = { key: pem(p256) };
  const { clientSecret: _secret, ...bare } = goodOptions;
  const start = (changes: object) => resolveWith({ ...bare, clientSecret: undefined, ...changes });

  it.each([
    ['private_key_jwt', {}],
    ['private_key_jwt', { clientKeys: [] }],
    ['client_secret_jwt', { clientKeys: [key] }],
    ['tls_client_auth', { clientKeys: [key] }],
    ['self_signed_tls_client_auth', {}],
  ])('by %s needs what it proves itself with', (clientAuthentication, others) => {
    expect(startUpMessage(() => start({ clientAuthentication, ...others }))).toMatch(
      /^Option "clientAuthentication" must be /,
    );
  });

  it.each([
    ['private_key_jwt', { clientKeys: [key] }],
    ['client_secret_jwt', { clientSecret: goodOptions.clientSecret }],
    ['tls_client_auth', { fetch: globalThis.fetch }],
    ['none', {}],
  ])('by %s is taken with it', (clientAuthentication, others) => {
    expect(start({ clientAuthentication, ...others }).clientAuthentication).toBe(
      clientAuthentication,
    );
  });

  it('by key is enough for introspection', () => {
    expect(start({ introspection: true, clientKeys: [key] }).introspection).toBeDefined();
  });
});
