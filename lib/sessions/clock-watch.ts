import type { OidcEvents } from '../events/oidc-events.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';

/** Clocks that are kept by NTP differ by less, whatever tolerance tokens are given. */
const AGREE_SEC = 5;
/** What was about to be written at the last pull may take so long until it is there. */
const ON_THE_WAY_SEC = 30;

/** When the rows were read whose times are looked at. */
export interface Reading {
  readonly now: Date;
  /** They were not there then. */
  readonly notBefore: Date | undefined;
}

/** Tells when the rows of other instances show that clocks differ by more than tokens are allowed. */
export class ClockWatch {
  readonly #toleranceMs: number;

  constructor(
    private readonly events: OidcEvents,
    clockToleranceSec: number,
  ) {
    this.#toleranceMs = Math.max(clockToleranceSec, AGREE_SEC) * 1000;
  }

  /** Looks at the times when rows were written by the clock of whoever wrote them. */
  saw(times: readonly Date[], { now, notBefore }: Reading): void {
    let [ahead, behind] = [0, 0];
    for (const time of times) {
      ahead = Math.max(ahead, time.getTime() - now.getTime());
      if (notBefore !== undefined) behind = Math.max(behind, notBefore.getTime() - time.getTime());
    }
    if (ahead > this.#toleranceMs) this.#report(ahead);
    if (behind > this.#toleranceMs + ON_THE_WAY_SEC * 1000) this.#report(-behind);
  }

  #report(aheadMs: number): void {
    const aheadSec = Math.round(aheadMs / 1000);
    this.events.emit('clocks-differ', { provider: DEFAULT_PROVIDER, aheadSec });
  }
}
