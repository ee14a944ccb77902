import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { readCompactJws } from '../../../lib/tokens/compact-jws.js';

function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  );
}

function jws(header: unknown, payload: unknown = { iss: 'i' }, signature = 'c2ln'): string {
  return `${part(header)}.${part(payload)}.${signature}`;
}

/** `read`, or why not, as the log tells it. */
function outcome(token: string): string {
  try {
    readCompactJws(token);
    return 'read';
  } catch (error) {
    if (error instanceof OAuthError && error.error === 'invalid_token') return String(error.cause);
    throw error;
  }
}

function nested(levels: number): string {
  return `{"iss":"i","a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}

/** The last letter of a part with one of its unused bits set. */
function respelled(token: string, letter: RegExp): string {
  return token.replace(letter, (one) => String.fromCharCode(one.charCodeAt(0) + 1));
}

const ALG = { alg: 'RS256' };

describe('a compact JWS', () => {
  it('JV-5: is read as far as it is needed to find its key', () => {
    const token = jws({ alg: 'RS256', kid: 'k', typ: 'at+jwt', jku: 'x' }, { iss: 'i', sub: 's' });

    const read = readCompactJws(token);
    expect(read).toMatchObject({ alg: 'RS256', kid: 'k', typ: 'at+jwt', iss: 'i' });
    expect(read.marks()).toEqual({ audiences: [], party: undefined });
    expect(readCompactJws(jws(ALG))).toMatchObject({ alg: 'RS256', kid: undefined, iss: 'i' });
    const marked = readCompactJws(jws(ALG, { iss: 'i', aud: ['a', 7], azp: 'b' }));
    expect(marked.marks()).toEqual({ audiences: ['a'], party: 'b' });
  });

  it('JV-5: has one spelling, whatever letter it ends with', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const signature of ['', 'A', 'AA', 'AAA'].flatMap((start) =>
      letters.split('').map((letter) => `AAAA${start}${letter}`),
    )) {
      const spelled = Buffer.from(signature, 'base64url').toString('base64url');
      expect(outcome(jws(ALG, { iss: 'i' }, signature)), signature).toBe(
        spelled === signature ? 'read' : 'base64url',
      );
    }
  });

  it.each<[what: string, token: string, refusal: string]>([
    ['an opaque token', 'opaque', 'not a compact JWS but an opaque token'],
    ['nothing', '', 'not a compact JWS but an opaque token'],
    ['a JWE', 'a.b.c.d.e', 'not a compact JWS but an encrypted token'],
    ['two parts', 'a.b', 'not a compact JWS but something else'],
    ['an empty signature', jws(ALG, { iss: 'i' }, ''), 'not a compact JWS but something else'],
    ['an empty payload', `${part(ALG)}..c2ln`, 'not a compact JWS but something else'],
    ['an empty header', `.${part({ iss: 'i' })}.c2ln`, 'not a compact JWS but something else'],
    ['a space before it', ` ${jws(ALG)}`, 'not a compact JWS but something else'],
    ['a line break behind it', `${jws(ALG)}\n`, 'not a compact JWS but something else'],
    ['padding', `${jws(ALG)}=`, 'not a compact JWS but something else'],
  ])('JV-5: %s is none, and the log says what it is', (_what, token, refusal) => {
    expect(outcome(token)).toBe(
      `${refusal}; the guard verifies JWTs; many providers issue them for a registered API alone`,
    );
  });

  it.each<[what: string, token: string, refusal: string]>([
    ['a signature in another spelling', jws(ALG, { iss: 'i' }, 'c2lnbr'), 'base64url'],
    ['a header in another spelling', respelled(jws('{"alg":"RS256" }'), /Q(?=\.)/), 'base64url'],
    ['a payload in another spelling', respelled(jws(ALG), /0(?=\.c2ln)/), 'base64url'],
    [
      'bytes that are no UTF-8',
      `${part(ALG)}.${Buffer.from([0xff]).toString('base64url')}.c2ln`,
      'UTF-8',
    ],
    [
      'a byte order mark',
      `${part(`\uFEFF${JSON.stringify(ALG)}`)}.${part({ iss: 'i' })}.c2ln`,
      'JSON',
    ],
    ['a header that is no JSON', jws('x'), 'JSON'],
    ['a payload that is no JSON', jws(ALG, '{'), 'JSON'],
    ['a header that is a list', jws([]), 'not an object'],
    ['a header that is null', jws('null'), 'not an object'],
    ['a payload that is a text', jws(ALG, '"iss"'), 'not an object'],
    ['a payload that nests too deep', jws(ALG, nested(1025)), 'nested too deep'],
    ['critical extensions', jws({ ...ALG, crit: [] }), 'header extension'],
    ['an unencoded payload', jws({ ...ALG, b64: false }), 'header extension'],
    ['compression', jws({ ...ALG, zip: 'DEF' }), 'header extension'],
    ['encryption', jws({ ...ALG, enc: null }), 'header extension'],
    ['no algorithm', jws({}), 'alg'],
    ['an algorithm that is no text', jws({ alg: 1 }), 'alg'],
    ['a key id that is no text', jws({ ...ALG, kid: 1 }), 'kid'],
    ['a key id that is null', jws({ ...ALG, kid: null }), 'kid'],
    ['a long key id', jws({ ...ALG, kid: 'k'.repeat(257) }), 'kid'],
    ['a type that is no text', jws({ ...ALG, typ: ['JWT'] }), 'typ'],
    ['a type that is null', jws({ ...ALG, typ: null }), 'typ'],
    ['no issuer', jws(ALG, {}), 'iss'],
    ['an issuer that is a list', jws(ALG, { iss: ['i'] }), 'iss'],
  ])('JV-5: with %s is refused', (_what, token, refusal) => {
    expect(outcome(token)).toBe(refusal);
  });

  it.each([
    ['the longest key id', jws({ ...ALG, kid: 'k'.repeat(256) })],
    ['an empty key id', jws({ ...ALG, kid: '' })],
    ['the deepest nesting', jws(ALG, nested(1024))],
  ])('JV-5: with %s is read', (_what, token) => {
    expect(outcome(token)).toBe('read');
  });
});
