import { hash } from 'node:crypto';
import type { IdTokenClaims } from './id-token-claims.js';
import type { TokenIssuer } from './verification-keys.js';

/** A verification that was made, with what must still hold for it to be used again. */
export interface Verification {
  readonly claims: IdTokenClaims;
  readonly issuer: TokenIssuer;
  readonly holds: () => boolean;
  /** Whether it may be used again without asking its issuer anew; absent where nobody is asked. */
  readonly isFresh?: () => boolean;
}

interface Entry<Kept> {
  readonly verification: Kept;
  readonly bytes: number;
}

const CAPACITY = 5000;
/** About ten kB for each token, when there are as many as there may be. */
const MOST_BYTES = 48 * 1024 * 1024;

const BYTES_OF_OBJECT = 72;
const BYTES_OF_MEMBER = 48;
const BYTES_OF_CHARACTER = 2;

/** What claims take in memory, estimated: a list of tiny objects takes twenty times as much as its text. */
function sizeOf(claims: object): number {
  let bytes = BYTES_OF_OBJECT;
  const open: object[] = [claims];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!Array.isArray(node)) bytes += Object.keys(node).join('').length * BYTES_OF_CHARACTER;
    const members: unknown[] = Object.values(node);
    for (const member of members) {
      bytes += BYTES_OF_MEMBER;
      if (typeof member === 'string') bytes += member.length * BYTES_OF_CHARACTER;
      if (typeof member !== 'object' || member === null) continue;
      bytes += BYTES_OF_OBJECT;
      open.push(member);
    }
  }
  return bytes;
}

/** Remembers verified tokens by the SHA-256 of their whole text, up to a number and a size; the least recently used one goes first. */
export class VerificationCache<Kept extends Verification = Verification> {
  readonly #entries = new Map<string, Entry<Kept>>();
  #bytes = 0;

  static keyOf(token: string): string {
    return hash('sha256', token, 'base64');
  }

  /** A verification that still holds at `nowSec`; `exp` and the key are looked at each time. */
  get(key: string, nowSec: number): Kept | undefined {
    const entry = this.#take(key);
    if (entry === undefined) return undefined;
    const { verification } = entry;
    if (verification.claims.exp <= nowSec || !verification.holds()) return undefined;
    if (verification.isFresh?.() === false) return undefined;
    this.#put(key, entry);
    return verification;
  }

  set(key: string, verification: Kept): void {
    this.#take(key);
    this.#put(key, { verification, bytes: sizeOf(verification.claims) });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= CAPACITY && this.#bytes <= MOST_BYTES) return;
      this.#take(oldest);
    }
  }

  #put(key: string, entry: Entry<Kept>): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #take(key: string): Entry<Kept> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    return entry;
  }
}
