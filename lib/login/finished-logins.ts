import type { Clock } from '../clock/clock.js';
import { LOGIN_LIFETIME_SEC } from './pending-login.js';

const CAPACITY = 50_000;

/**
 * Makes logins single-use on this instance: taking one is atomic, so that of parallel redemptions one goes through.
 * Ids are kept as long as their handles live; beyond the capacity the oldest goes, and the single use of the
 * authorization code itself protects.
 */
export class FinishedLogins {
  readonly #takenAtMs = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** Takes a login; `false` when it is taken already. */
  take(id: string): boolean {
    if (this.#takenAtMs.has(id)) return false;
    const now = this.clock.monotonicMs();
    this.#forget(now);
    this.#takenAtMs.set(id, now);
    return true;
  }

  /** Gives a login back that came to nothing. */
  release(id: string): void {
    this.#takenAtMs.delete(id);
  }

  #forget(now: number): void {
    for (const [id, takenAt] of this.#takenAtMs) {
      const expired = now - takenAt > LOGIN_LIFETIME_SEC * 1000;
      if (!expired && this.#takenAtMs.size < CAPACITY) return;
      this.#takenAtMs.delete(id);
    }
  }
}
