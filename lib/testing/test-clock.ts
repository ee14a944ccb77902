import { Clock } from '../clock/clock.js';

/** The real time, moved by as much as a test says. */
export class TestClock extends Clock {
  #movedMs = 0;

  now(): Date {
    return new Date(Date.now() + this.#movedMs);
  }

  monotonicMs(): number {
    return performance.now() + Math.max(0, this.#movedMs);
  }

  /** Lets time pass. */
  advance(seconds: number): void {
    this.#movedMs += seconds * 1000;
  }
}
