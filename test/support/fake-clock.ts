import { Clock } from '../../lib/clock/clock.js';

/** A clock that stands still until a test moves it. It starts at the real time, so that real tokens fit. */
export class FakeClock extends Clock {
  #wallMs: number;
  #monotonicMs = 0;

  constructor(start: Date = new Date()) {
    super();
    this.#wallMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#wallMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Lets time pass: both clocks move. */
  advance(seconds: number): void {
    this.#wallMs += seconds * 1000;
    this.#monotonicMs += seconds * 1000;
  }

  /** Sets the wall clock only, as an operator or NTP does; it may go back. */
  set(date: Date): void {
    this.#wallMs = date.getTime();
  }
}
