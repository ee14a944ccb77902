import { hash } from 'node:crypto';
import { type Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';

/** How far `iat` of a proof may be from now, before and behind, in seconds (RFC 9449 §11.1). */
export const PROOF_WINDOW_SEC = 60;

/** Those of a minute: more than a process can verify. About 60 bytes each. */
const CAPACITY = 500_000;

/** What tells a proof from every other one. */
export interface ProofId {
  /** Thumbprint of the key that signed it. */
  readonly key: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly iat: number;
}

/** 128 bits, which only whoever holds the key could collide with: himself. */
function shortHash({ key, jti }: ProofId): string {
  return hash('sha256', `${key} ${jti}`, 'buffer').toString('latin1', 0, 16);
}

function full(name: string, mend: string): OAuthError {
  const text = 'Proofs of possession cannot be remembered at the moment';
  return new OAuthError('temporarily_unavailable', text, { cause: new Reason(name, { mend }) });
}

/**
 * Proofs that were used here, for as long as they could be used again (RFC 9449 §11.1). Nothing is forgotten earlier, whatever comes: with a full memory
 * nothing more is taken.
 */
export class UsedProofs {
  /** By the second of their `iat`. */
  readonly #bySecond = new Map<number, Set<string>>();
  #size = 0;
  /** The latest second of which anything was forgotten: a clock set back must not make its proofs good again. */
  #forgottenTo = -Infinity;
  #lookedAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly capacity = CAPACITY,
  ) {}

  /**
   * Takes a proof that holds in everything else.
   *
   * @returns `false` when it was used before.
   * @throws {@link OAuthError} 503 when that cannot be remembered, or cannot be known.
   */
  take(proof: ProofId): boolean {
    this.#forget();
    const second = Math.floor(proof.iat);
    if (second <= this.#forgottenTo) {
      throw full('the clock was set back', 'proofs count again once it is where it was');
    }
    const used = this.#bySecond.get(second) ?? new Set();
    const name = shortHash(proof);
    if (used.has(name)) return false;
    if (this.#size >= this.capacity) {
      throw full('as many proofs as can be remembered', 'start more instances');
    }
    this.#bySecond.set(second, used.add(name));
    this.#size += 1;
    return true;
  }

  /** Gives a proof back that nothing came of. */
  release(proof: ProofId): void {
    const used = this.#bySecond.get(Math.floor(proof.iat));
    if (used?.delete(shortHash(proof)) === true) this.#size -= 1;
  }

  #forget(): void {
    const nowSec = epochSeconds(this.clock);
    if (nowSec === this.#lookedAt) return;
    this.#lookedAt = nowSec;
    for (const [second, used] of this.#bySecond) {
      if (second + 1 + PROOF_WINDOW_SEC >= nowSec) continue;
      this.#bySecond.delete(second);
      this.#size -= used.size;
      this.#forgottenTo = Math.max(this.#forgottenTo, second);
    }
  }
}
