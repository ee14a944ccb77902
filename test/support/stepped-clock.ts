import type { SleepOptions } from '../../lib/clock/clock.js';
import { FakeClock } from './fake-clock.js';

interface Sleeper {
  readonly ms: number;
  readonly dueMs: number;
  readonly wake: () => void;
}

/**
 * A clock whose sleepers wake when a test has moved it far enough, and never by themselves: five seconds that a provider is waited for take no time,
 * and no machine is slow enough for a limit to be over too soon.
 *
 * @example
 * ```ts
 * const outcome = verifier.outcome(token);
 * await clock.asleep(5000);
 * clock.advance(5);
 * expect(await outcome).toBe('503 temporarily_unavailable');
 * ```
 */
export class SteppedClock extends FakeClock {
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<() => void>();

  override sleep(ms: number, { signal }: SleepOptions = {}): Promise<void> {
    if (signal?.aborted === true || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { ms, dueMs: this.monotonicMs() + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
      for (const look of this.#watchers) look();
    });
  }

  override advance(seconds: number): void {
    super.advance(seconds);
    for (const { dueMs, wake } of this.#sleepers) if (dueMs <= this.monotonicMs()) wake();
  }

  /** Resolves when so many sleep that long at the same time, or already do; a range is for what has a little chance in it. */
  async asleep(ms: number | readonly [number, number], count = 1): Promise<void> {
    const [least, most] = typeof ms === 'number' ? [ms, ms] : ms;
    const found = (): boolean =>
      [...this.#sleepers].filter((sleeper) => sleeper.ms >= least && sleeper.ms <= most).length >=
      count;
    while (!found()) {
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#watchers.delete(look);
          resolve();
        };
        this.#watchers.add(look);
      });
    }
  }
}
