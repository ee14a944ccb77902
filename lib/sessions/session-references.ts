import { randomBytes } from 'node:crypto';
import type { KeyRing, Mac } from '../sealing/key-ring.js';
import { storedHash } from './refresh-tokens.js';

const RANDOM_BYTES = 32;
const FORM = /^([0-9a-f]{32})\.([A-Za-z0-9_-]{86})$/;

/** The value of a session cookie that we made at some time, as far as its own text tells. */
export interface PresentedReference {
  readonly sessionId: string;
  /** What the store holds of it: SHA-256, hexadecimal. */
  readonly hash: string;
}

/**
 * What session cookies hold: `<session>.<secret>`, where the secret is 256 random bits and a message authentication code over session and both,
 * under a label of its own, so that a refresh token is no cookie and a cookie no refresh token. Guessed and foreign texts are refused without a
 * look at the store.
 */
export class SessionReferences {
  readonly #mac: Mac;

  constructor(keyRing: KeyRing) {
    this.#mac = keyRing.mac('session cookie');
  }

  /** A new one; `hash` is all that is kept of it. */
  issue(sessionId: string): { reference: string; hash: string } {
    const secret = randomBytes(RANDOM_BYTES);
    const code = this.#mac.of(messageOf(sessionId, secret));
    const reference = `${sessionId}.${Buffer.concat([secret, code]).toString('base64url')}`;
    return { reference, hash: storedHash(reference) };
  }

  /** `undefined` for everything that we did not make. */
  read(reference: string): PresentedReference | undefined {
    const [, sessionId, text] = FORM.exec(reference) ?? [];
    if (sessionId === undefined || text === undefined) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.toString('base64url') !== text) return undefined; // another spelling of the same bytes
    const secret = bytes.subarray(0, RANDOM_BYTES);
    const genuine = this.#mac.verify(messageOf(sessionId, secret), bytes.subarray(RANDOM_BYTES));
    return genuine ? { sessionId, hash: storedHash(reference) } : undefined;
  }
}

function messageOf(sessionId: string, secret: Buffer): Buffer {
  return Buffer.concat([Buffer.from(sessionId, 'hex'), secret]);
}
