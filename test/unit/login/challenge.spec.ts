import { hash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { equalSecrets, meetsChallenge } from '../../../lib/login/pending-login.js';

function challengeOf(verifier: string): string {
  return hash('sha256', verifier, 'base64url');
}

describe('an S256 challenge', () => {
  it.each(['a'.repeat(43), 'z'.repeat(128), 'A0-._~'.repeat(8)])(
    'TK-4: is met by its verifier %s',
    (verifier) => {
      expect(meetsChallenge(verifier, challengeOf(verifier))).toBe(true);
      expect(meetsChallenge(`${verifier.slice(1)}b`, challengeOf(verifier))).toBe(false);
    },
  );

  it.each(['', 'a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(43)}+`, `+${'a'.repeat(43)}`])(
    'TK-4: is not met by what is no verifier: %s',
    (verifier) => {
      expect(meetsChallenge(verifier, challengeOf(verifier))).toBe(false);
    },
  );

  it('TK-4: secrets of any length are compared', () => {
    expect([equalSecrets('a', 'a'), equalSecrets('a', 'b'), equalSecrets('a', 'ab')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
