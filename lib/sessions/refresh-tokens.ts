import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from '../sealing/key-ring.js';
import type { Mac } from '../sealing/key-ring.js';

const RANDOM_BYTES = 32;
const GENERATION_BYTES = 4;
const SIGNED_BYTES = GENERATION_BYTES + RANDOM_BYTES;
const FORM = /^([0-9a-f]{32})\.([A-Za-z0-9_-]{91})$/;

/** A refresh token that we made at some time, as far as its own text tells. */
export interface PresentedRefreshToken {
  readonly sessionId: string;
  /** 1 for the one of the login, one more for each rotation. */
  readonly generation: number;
  /** What the store holds of it: SHA-256, hexadecimal. */
  readonly hash: string;
}

/** SHA-256 in hexadecimal: how secrets and foreign identifiers are kept in the store. */
export function storedHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compares hashes of {@link storedHash} in constant time; nothing equals an absent one. */
export function equalHashes(one: string, other: string | undefined): boolean {
  if (other === undefined || one.length !== other.length) return false;
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/**
 * Refresh tokens of our own: `<session>.<secret>`, where the secret is a generation, 256 random bits and a message
 * authentication code over session and both. Guessed and foreign texts are refused without a look at the store.
 */
export class RefreshTokens {
  readonly #mac: Mac;

  constructor(keyRing: KeyRing) {
    this.#mac = keyRing.mac('refresh token');
  }

  /** A new one; `hash` is all that is kept of it in clear. */
  issue(sessionId: string, generation: number): { token: string; hash: string } {
    const signed = Buffer.alloc(SIGNED_BYTES);
    signed.writeUInt32BE(generation, 0);
    randomBytes(RANDOM_BYTES).copy(signed, GENERATION_BYTES);
    const code = this.#mac.of(messageOf(sessionId, signed));
    const token = `${sessionId}.${Buffer.concat([signed, code]).toString('base64url')}`;
    return { token, hash: storedHash(token) };
  }

  /** `undefined` for everything that we did not make. */
  read(token: string): PresentedRefreshToken | undefined {
    const [, sessionId, secret] = FORM.exec(token) ?? [];
    if (sessionId === undefined || secret === undefined) return undefined;
    const bytes = Buffer.from(secret, 'base64url');
    if (bytes.toString('base64url') !== secret) return undefined; // another spelling of the same bytes
    const signed = bytes.subarray(0, SIGNED_BYTES);
    if (!this.#mac.verify(messageOf(sessionId, signed), bytes.subarray(SIGNED_BYTES))) {
      return undefined;
    }
    return { sessionId, generation: signed.readUInt32BE(0), hash: storedHash(token) };
  }
}

function messageOf(sessionId: string, signed: Buffer): Buffer {
  return Buffer.concat([Buffer.from(sessionId, 'hex'), signed]);
}
