import { describe, expect, it } from 'vitest';

import { RefreshTokens, equalHashes, storedHash } from '../../../lib/sessions/refresh-tokens.js';
import { keyRing } from '../../support/key-ring.js';

const SESSION = '0123456789abcdef0123456789abcdef';
const OTHER = 'fedcba9876543210fedcba9876543210';
const tokens = new RefreshTokens(keyRing());

/** The bytes behind the dot, with one of them changed. */
function withByte(token: string, at: number): string {
  const [id, secret = ''] = token.split('.');
  const bytes = Buffer.from(secret, 'base64url');
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return `${id}.${bytes.toString('base64url')}`;
}

describe('a refresh token of ours', () => {
  it.each([0, 1, 2, 4_294_967_295])('RF-1: tells session and generation %i', (generation) => {
    const { token, hash } = tokens.issue(SESSION, generation);

    expect(token).toMatch(/^[0-9a-f]{32}\.[\w-]{91}$/);
    expect(hash).toBe(storedHash(token));
    expect(tokens.read(token)).toEqual({ sessionId: SESSION, generation, hash });
  });

  it('RF-1: is another one each time, by 256 bits', () => {
    const [one, other] = [1, 1].map(() =>
      Buffer.from(tokens.issue(SESSION, 1).token.split('.')[1] ?? '', 'base64url'),
    );

    expect(one?.byteLength).toBe(4 + 32 + 32);
    expect(one?.subarray(4, 20)).not.toEqual(other?.subarray(4, 20));
    expect(one?.subarray(20, 36)).not.toEqual(other?.subarray(20, 36));
  });

  it('DS-4: is refused with any byte of it changed', () => {
    const { token } = tokens.issue(SESSION, 1);
    const changed = Array.from({ length: 68 }, (_, at) => withByte(token, at));

    expect(changed.filter((one) => tokens.read(one) !== undefined)).toEqual([]);
    expect(withByte(withByte(token, 67), 67)).toBe(token);
  });

  it.each<[what: string, (token: string) => string]>([
    ['of another session', (token) => token.replace(SESSION, OTHER)],
    ['with something before it', (token) => `x${token}`],
    ['with a hexadecimal digit before it', (token) => `0${token}`],
    ['with something behind it', (token) => `${token}x`],
    ['with a line break behind it', (token) => `${token}\n`],
    ['without its last letter', (token) => token.slice(0, -1)],
    [
      'with its session in upper case',
      (token) => token.toUpperCase().slice(0, 32) + token.slice(32),
    ],
    ['without its session', (token) => token.slice(32)],
    ['in another spelling of the same bytes', respelled],
    ['that is nothing', () => ''],
  ])('DS-4: %s is none', (_what, change) => {
    const { token } = tokens.issue(SESSION, 1);

    expect(change(token)).not.toBe(token);
    expect(tokens.read(change(token))).toBeUndefined();
  });

  it('KM-5: is known from former keys that are still listed, and from no others', () => {
    const former = 'an-encryption-key-of-the-year-before-last';
    const { token } = new RefreshTokens(keyRing({ encryptionKeys: [former] })).issue(SESSION, 3);
    const both = keyRing({ encryptionKeys: ['a-key-that-came-after-the-former-one', former] });

    expect(new RefreshTokens(both).read(token)?.generation).toBe(3);
    expect(tokens.read(token)).toBeUndefined();
  });
});

/** 68 bytes leave four bits of the last letter unused. */
function respelled(token: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + letters.charAt(letters.indexOf(token.slice(-1)) + 1);
}

describe('hashes as they are stored', () => {
  it('ST-4: are SHA-256 in lower-case hexadecimal', () => {
    expect(storedHash('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('RF-1: equal themselves, and nothing else, be it absent or shorter', () => {
    expect(equalHashes('ab', 'ab')).toBe(true);
    expect(equalHashes('ab', 'ac')).toBe(false);
    expect(equalHashes('ab', 'abc')).toBe(false);
    expect(equalHashes('abc', 'ab')).toBe(false);
    expect(equalHashes('', undefined)).toBe(false);
  });
});
