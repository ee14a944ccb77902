import { hash } from 'node:crypto';
import type { IdTokenClaims } from './id-token-claims.js';
import type { TokenIssuer } from './verification-keys.js';

/** A verification that was made, with what must still hold for it to be used again. */
export interface Verification {
  readonly claims: IdTokenClaims;
  readonly issuer: TokenIssuer;
  readonly holds: () => boolean;
}

const CAPACITY = 5000;

/** Remembers verified tokens by the SHA-256 of their whole text; the least recently used one goes first. */
export class VerificationCache {
  readonly #entries = new Map<string, Verification>();

  static keyOf(token: string): string {
    return hash('sha256', token, 'base64');
  }

  /** A verification that still holds at `nowSec`; `exp` and the key are looked at each time. */
  get(key: string, nowSec: number): Verification | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.claims.exp <= nowSec || !entry.holds()) return undefined;
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: Verification): void {
    this.#entries.set(key, entry);
    if (this.#entries.size <= CAPACITY) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
