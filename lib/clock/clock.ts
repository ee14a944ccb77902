import { Injectable } from '@nestjs/common';

/** Where all code here takes the time from, so that tests move it instead of sleeping. */
export abstract class Clock {
  /** The wall clock: for `exp`, `iat` and everything that others see. */
  abstract now(): Date;

  /** Milliseconds that only ever grow: for cool-downs and intervals, which a clock set back must not stop. */
  abstract monotonicMs(): number;
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
