import type { Clock } from './clock.js';

/** How long the first failure is waited for, and any later one at most, in milliseconds. */
export interface BackOffTimes {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Keeps what failed from being tried again at once: after each failure in a row it is twice as long, by the monotonic clock. */
export class BackOff {
  #failures = 0;
  #retryAt = 0;
  #lastError: unknown;

  constructor(
    private readonly clock: Clock,
    private readonly times: BackOffTimes,
  ) {}

  /** @throws what `work` throws; in the back-off what it threw last, without trying. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failures > 0 && this.clock.monotonicMs() < this.#retryAt) throw this.#lastError;
    try {
      const result = await work();
      this.#failures = 0;
      return result;
    } catch (error) {
      this.#lastError = error;
      const { firstMs, longestMs } = this.times;
      const delayMs = Math.min(longestMs, firstMs * 2 ** this.#failures);
      this.#failures += 1;
      this.#retryAt = this.clock.monotonicMs() + delayMs;
      throw error;
    }
  }
}
