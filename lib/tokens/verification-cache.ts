import type { IdTokenClaims } from './id-token-claims.js';
import { membersOf } from './nesting.js';
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
  /** As a whole. */
  readonly key: string;
  readonly verification: Kept;
  readonly bytes: number;
  /** How many were new before it was put in, or behind the others, last. */
  readonly turn: number;
}

/**
 * Long keys are found by so many characters at their end, where a JWT has its signature, and then compared as a whole: to hash a whole token takes longer than all
 * other checks of it together. Opaque tokens are short, and may all end alike.
 */
const INDEXED = 32;
const LONGEST_SHORT = 256;
const CAPACITY = 10_000;
/** About five kB for each token, when there are as many as there may be. */
const MOST_BYTES = 48 * 1024 * 1024;
/** So much is left when there is too much: a map from which each new entry drives out the first one walks over the gaps of all before. */
const LEFT = 7 / 8;

const BYTES_OF_OBJECT = 72;
const BYTES_OF_MEMBER = 48;
const BYTES_OF_CHARACTER = 2;

/** What claims take in memory, estimated: a list of tiny objects takes twenty times as much as its text. */
function sizeOf(claims: object): number {
  let bytes = BYTES_OF_OBJECT;
  const open: object[] = [claims];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const members = membersOf(node);
    if (node !== members) {
      for (const name of Object.keys(node)) bytes += name.length * BYTES_OF_CHARACTER;
    }
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

function indexOf(key: string): string {
  return key.length > LONGEST_SHORT ? key.slice(-INDEXED) : key;
}

/** A text of its own: one that is part of another keeps all of that in memory. */
function ownText(text: string): string {
  const copy = Buffer.from(text, 'latin1').toString('latin1');
  return copy === text ? copy : text; // tokens are ASCII
}

/**
 * Remembers verifications by a text, a token as a whole, up to a number and a size. Those least recently used go first, and what is used is put
 * behind the others only when a quarter of them was put in after it: a use costs no bookkeeping while nothing new comes.
 */
export class VerificationCache<Kept extends Verification = Verification> {
  readonly #entries = new Map<string, Entry<Kept>>();
  #bytes = 0;
  #turns = 0;

  /** A verification that still holds at `nowSec`; `exp` and the key are looked at each time. */
  get(key: string, nowSec: number): Kept | undefined {
    const entry = this.#entries.get(indexOf(key));
    if (entry === undefined || entry.key !== key) return undefined;
    const { verification } = entry;
    const isOver = verification.claims.exp <= nowSec;
    if (isOver || !verification.holds() || verification.isFresh?.() === false) {
      this.#remove(key);
      return undefined;
    }
    if (this.#turns - entry.turn > this.#entries.size / 4) this.#put(entry);
    return verification;
  }

  set(key: string, verification: Kept): void {
    this.#turns += 1;
    const bytes = sizeOf(verification.claims) + key.length * BYTES_OF_CHARACTER;
    this.#put({ key: ownText(key), verification, bytes });
    if (this.#exceeds(1)) this.#makeRoom();
  }

  #exceeds(share: number): boolean {
    return this.#entries.size > CAPACITY * share || this.#bytes > MOST_BYTES * share;
  }

  #makeRoom(): void {
    for (const { key } of this.#entries.values()) {
      if (!this.#exceeds(LEFT)) return;
      this.#remove(key);
    }
  }

  /** Behind all others. */
  #put(entry: Omit<Entry<Kept>, 'turn'>): void {
    const { key, verification, bytes } = entry;
    this.#remove(key);
    this.#entries.set(indexOf(key), { key, verification, bytes, turn: this.#turns });
    this.#bytes += bytes;
  }

  #remove(key: string): void {
    const index = indexOf(key);
    this.#bytes -= this.#entries.get(index)?.bytes ?? 0;
    this.#entries.delete(index);
  }
}
