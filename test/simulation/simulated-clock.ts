import { Clock, type SleepOptions } from '../../lib/clock/clock.js';
import type { Process, Timeline } from './timeline.js';

/** When true time begins. */
const BEGIN_MS = Date.UTC(2030, 0, 1);

/** The clock of a process: its wall clock is off, its timers are those of the timeline. */
export class SimulatedClock extends Clock {
  constructor(
    private readonly timeline: Timeline,
    private readonly process: Process,
  ) {
    super();
  }

  now(): Date {
    return new Date(BEGIN_MS + this.timeline.now + this.process.offsetMs);
  }

  monotonicMs(): number {
    return this.timeline.now;
  }

  override sleep(ms: number, { signal }: SleepOptions = {}): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.timeline.after(ms, resolve, this.process);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** As it is, without an object for each abort: most of the time of a simulation would go there. */
  override within<T>(ms: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error('timed out'));
      const timer = this.timeline.after(ms, late, this.process);
      work.finally(() => timer.cancel()).then(resolve, reject);
    });
  }
}
