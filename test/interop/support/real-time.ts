import { SystemClock } from '../../../lib/clock/clock.js';

/** Goes with the clock of the counterparts; only ages, cool-downs and intervals can be made to pass. */
export class RealTime extends SystemClock {
  #passedMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.#passedMs;
  }

  pass(seconds: number): void {
    this.#passedMs += seconds * 1000;
  }
}
