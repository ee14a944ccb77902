import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyRing } from '../sealing/key-ring.js';
import type { Mac } from '../sealing/key-ring.js';

const RANDOM_BYTES = 32;
const GENERATION_BYTES = 4;
const KEY_BYTES = 32;
const CODE_BYTES = 32;
/** Bytes are 91 characters of an unbound secret, 134 of a bound one. */
const FORM = /^([0-9a-f]{32})\.([A-Za-z0-9_-]{91}|[A-Za-z0-9_-]{134})$/;

/** A refresh token that we made at some time, as far as its own text tells. */
export interface PresentedRefreshToken {
  readonly sessionId: string;
  /** 1 for the one of the login, one more for each rotation. */
  readonly generation: number;
  /** What the store holds of it: SHA-256, hexadecimal. */
  readonly hash: string;
  /** Thumbprint of the key that it is bound to (RFC 9449 §5); `undefined`: none. */
  readonly key: string | undefined;
}

/** SHA-256 in hexadecimal: how secrets and foreign identifiers are kept in the store. */
export function storedHash(text: string): string {
  return hash('sha256', text);
}

/** Compares hashes of {@link storedHash} in constant time; nothing equals an absent one. */
export function equalHashes(one: string, other: string | undefined): boolean {
  if (other === undefined || one.length !== other.length) return false;
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/**
 * Refresh tokens of our own: `<session>.<secret>`, where the secret is a generation, 256 random bits and a message
 * authentication code over session and both. Guessed and foreign texts are refused without a look at the store. One that is bound to a key names it
 * itself, before the code: an instance of a version that knows no bindings takes no such token, and could not lose the binding in the row.
 */
export class RefreshTokens {
  readonly #mac: Mac;

  constructor(keyRing: KeyRing) {
    this.#mac = keyRing.mac('refresh token');
  }

  /**
   * A new one; `hash` is all that is kept of it in clear.
   *
   * @param key that it is bound to, by its thumbprint.
   */
  issue(sessionId: string, generation: number, key = ''): { token: string; hash: string } {
    const number = Buffer.alloc(GENERATION_BYTES);
    number.writeUInt32BE(generation, 0);
    const bound = Buffer.from(key, 'base64url');
    const signed = Buffer.concat([number, randomBytes(RANDOM_BYTES), bound]);
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
    const signed = bytes.subarray(0, -CODE_BYTES);
    if (!this.#mac.verify(messageOf(sessionId, signed), bytes.subarray(-CODE_BYTES))) {
      return undefined;
    }
    const bound = signed.subarray(GENERATION_BYTES + RANDOM_BYTES);
    const key = bound.length === KEY_BYTES ? bound.toString('base64url') : undefined;
    return { sessionId, generation: signed.readUInt32BE(0), hash: storedHash(token), key };
  }
}

function messageOf(sessionId: string, signed: Buffer): Buffer {
  return Buffer.concat([Buffer.from(sessionId, 'hex'), signed]);
}
