import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { RefreshTokens } from '../../../lib/sessions/refresh-tokens.js';
import { SessionReferences } from '../../../lib/sessions/session-references.js';
import { RING_KEY, keyRing } from '../../support/key-ring.js';

const ID = '0123456789abcdef0123456789abcdef';

describe('references of session cookies', () => {
  const references = new SessionReferences(keyRing());

  it('are read back, with their session and the hash that is kept', () => {
    const { reference, hash } = references.issue(ID);

    expect(references.read(reference)).toEqual({ sessionId: ID, hash });
    expect(hash).toBe(createHash('sha256').update(reference).digest('hex'));
    expect(`__Host-oidc-session=${reference}`.length).toBeLessThan(200);
  });

  it('are new each time, for one session too', () => {
    expect(references.issue(ID).reference).not.toBe(references.issue(ID).reference);
  });

  it('BS-2: are nobody’s when anything of them was changed', () => {
    const { reference } = references.issue(ID);
    const changed = Array.from(reference, (letter, at) => {
      const other = letter === 'a' ? 'b' : 'a';
      return `${reference.slice(0, at)}${other}${reference.slice(at + 1)}`;
    });

    for (const one of [...changed, `${reference}=`, ` ${reference}`, reference.slice(0, -1)]) {
      expect(references.read(one)).toBeUndefined();
    }
  });

  it('are no refresh tokens, and refresh tokens are no references', () => {
    const tokens = new RefreshTokens(keyRing());

    expect(tokens.read(references.issue(ID).reference)).toBeUndefined();
    expect(references.read(tokens.issue(ID, 1).token)).toBeUndefined();
  });

  it('are those of our own keys alone, the former ones included', () => {
    const { reference } = references.issue(ID);
    const other = 'another-encryption-key-of-32-characters';

    const read = (encryptionKeys: string[]) =>
      new SessionReferences(keyRing({ encryptionKeys })).read(reference)?.sessionId;

    expect(read([other])).toBeUndefined();
    expect(read([other, RING_KEY])).toBe(ID);
  });
});
