import { setTimeout as wait } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Without a reason each abort would make an exception, with its stack. */
const OVER = 'over';

const LATE = Symbol('late');

/** How {@link Clock.within} ends what takes too long. */
export interface TimeLimit {
  /** Ends it sooner, as if the time were over. */
  readonly signal?: AbortSignal;
  /** What is thrown then. */
  readonly late?: () => Error;
}

/** How {@link Clock.sleep} waits. */
export interface SleepOptions {
  /** Ends it early, and without an error. */
  readonly signal?: AbortSignal;
  /** Whether it keeps a process alive that has nothing else to do. @defaultValue `true` */
  readonly ref?: boolean;
}

/** Where all code here takes the time from, so that tests move it instead of sleeping. */
export abstract class Clock {
  /** The wall clock: for `exp`, `iat` and everything that others see. */
  abstract now(): Date;

  /** Milliseconds that only ever grow: for cool-downs and intervals, which a clock set back must not stop. */
  abstract monotonicMs(): number;

  /** Waits so many milliseconds. */
  async sleep(ms: number, { signal, ref = true }: SleepOptions = {}): Promise<void> {
    const given = signal === undefined ? { ref } : { ref, signal };
    await wait(ms, undefined, given).catch(() => undefined);
  }

  /**
   * What `work` gives, if it takes no longer than that; else it is left to itself, and what becomes of it concerns nobody.
   *
   * @throws Error `timed out`, or what `late` makes, and what `work` throws.
   */
  async within<T>(ms: number, work: Promise<T>, { signal, late }: TimeLimit = {}): Promise<T> {
    const first = await this.#first(ms, work, signal);
    if (first === LATE) throw late?.() ?? new Error('timed out');
    return first;
  }

  /** Waits for `work`, but no longer than that; then it is left to itself. @throws what `work` throws in that time. */
  async atMost(ms: number, work: Promise<unknown>): Promise<void> {
    await this.#first(ms, work);
  }

  async #first<T>(ms: number, work: Promise<T>, given?: AbortSignal): Promise<T | typeof LATE> {
    const over = new AbortController();
    const end = (): void => over.abort(OVER);
    // AbortSignal.any() of Node 20 leaves something behind of every call.
    given?.addEventListener('abort', end, { once: true });
    if (given?.aborted === true) end();
    const late = this.sleep(ms, { signal: over.signal, ref: false }).then((): typeof LATE => LATE);
    try {
      return await Promise.race([work, late]);
    } finally {
      given?.removeEventListener('abort', end);
      end();
    }
  }
}

@Injectable()
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }

  monotonicMs(): number {
    return performance.now();
  }
}

/** Whole seconds since 1970 (RFC 7519 §2, NumericDate). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock.now().getTime() / 1000);
}
