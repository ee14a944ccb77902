import type { SleepOptions } from '../../lib/clock/clock.js';
import { FakeClock } from './fake-clock.js';

/** A clock on which waiting takes no time of the test's: it is noted, and moves the clock by as much as the test says. */
export class PacedClock extends FakeClock {
  /** What was waited for, in milliseconds. */
  readonly pauses: number[] = [];
  /** What passes while somebody waits. */
  passes: (ms: number) => number = (ms) => ms;

  override async sleep(ms: number, options: SleepOptions = {}): Promise<void> {
    if (options.ref === false) {
      await super.sleep(ms, options); // a time limit
      return;
    }
    this.pauses.push(ms);
    this.advance(this.passes(ms) / 1000);
    await Promise.resolve();
  }
}
