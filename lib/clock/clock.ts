import { setTimeout as wait } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Without a reason each abort would make an exception, with its stack. */
const OVER = 'over';

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
   * @throws Error `timed out`, and what `work` throws.
   */
  async within<T>(ms: number, work: Promise<T>): Promise<T> {
    const end = new AbortController();
    const late = this.sleep(ms, { signal: end.signal, ref: false }).then((): never => {
      throw new Error('timed out');
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      end.abort(OVER);
      work.catch(() => undefined);
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
