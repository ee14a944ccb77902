import type { Clock } from './clock.js';

/**
 * When work has to be over: on the wall clock, which other instances go by, or on the monotonic one, which a clock that is
 * set back does not move; whichever comes first.
 */
export class Deadline {
  /** On the wall clock. */
  readonly at: Date;
  readonly #clock: Clock;
  readonly #monotonicMs: number;

  constructor(
    clock: Clock,
    private readonly inMs: number,
  ) {
    this.#clock = clock;
    this.at = new Date(clock.now().getTime() + inMs);
    this.#monotonicMs = clock.monotonicMs() + inMs;
  }

  /** Milliseconds, 0 when it is over. */
  leftMs(): number {
    const wallMs = this.at.getTime() - this.#clock.now().getTime();
    return Math.max(0, Math.min(wallMs, this.#monotonicMs - this.#clock.monotonicMs()));
  }

  /** Whether more than half of the time has passed: too late to begin what may need all of it. */
  get halfOver(): boolean {
    return this.leftMs() < this.inMs / 2;
  }

  /**
   * What `work` gives in half of the time that is left, so that something is left to keep it.
   *
   * @throws Error `timed out`, and what `work` throws.
   */
  withinHalf<T>(work: Promise<T>): Promise<T> {
    return this.#clock.within(this.leftMs() / 2, work);
  }
}
