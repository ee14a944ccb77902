import type { Clock } from '../clock/clock.js';

const INTERVAL_MS = 60_000;
const CAPACITY = 1000;

/** Lets one line a minute through for each key, and counts what was left out. */
export class LineLimiter {
  /** The key that was written longest ago comes first, and goes when it is full. */
  readonly #keys = new Map<string, { at: number; left: number }>();

  constructor(private readonly clock: Clock) {}

  /**
   * The line as it may be written now, with the number of those that were left out since the last one; `undefined`: not now.
   *
   * @param line is asked for only when it is written.
   * @param key must not hold what a caller chooses: each key is a line a minute.
   */
  admit(key: string, line: () => string): string | undefined {
    const now = this.#now();
    const last = this.#keys.get(key);
    if (last !== undefined && now - last.at < INTERVAL_MS) {
      last.left += 1;
      return undefined;
    }
    this.#keys.delete(key);
    this.#keys.set(key, { at: now, left: 0 });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > CAPACITY && oldest !== undefined) this.#keys.delete(oldest);
    const left = last?.left ?? 0;
    return left > 0 ? `${line()} (and ${left} more since the last line)` : line();
  }

  /** A clock of the host's that throws must be told of like anything else. */
  #now(): number {
    try {
      return this.clock.monotonicMs();
    } catch {
      return performance.now();
    }
  }
}
