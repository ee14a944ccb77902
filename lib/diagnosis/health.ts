import type { Clock } from '../clock/clock.js';
import type { KeySource } from '../http/remote-key-set.js';
import type { Providers } from '../providers/providers.js';

const REMEMBERED_MS = 5000;
/** Keys that are older are asked for anew by a check, so that it sees whether their source answers. */
export const LOOK_AGAIN_MS = 30_000;
/** A part that takes longer is judged by what is known of it. */
export const PATIENCE_MS = 2000;

/** `degraded`: something does not answer, and tokens are verified all the same. */
export type HealthStatus = 'up' | 'degraded' | 'down';

/** One provider, trusted issuer, or part of ours. */
export interface PartHealth {
  readonly status: HealthStatus;
  /** Age of the keys that its tokens are verified with, in seconds. */
  readonly keysAgeSec?: number;
}

/** What works now. Holds names of providers and issuers: no address, no reason, no secret. */
export interface HealthReport {
  /**
   * `down`: no token can be verified, or, in broker mode, the store does not answer. `degraded`: a provider or a trusted issuer does not
   * answer.
   */
  readonly status: HealthStatus;
  /** By name. `degraded`: it does not answer, and its known keys go on serving; `down`: none are known. */
  readonly providers: Readonly<Record<string, PartHealth>>;
  /** Broker mode. */
  readonly store?: PartHealth;
  /** Broker mode: `down` while no token can be signed. */
  readonly signingKeys?: PartHealth;
  /** Broker mode: the trusted issuers whose tokens came since this instance started, by issuer. */
  readonly peers?: Readonly<Record<string, PartHealth>>;
}

/** Says what works, to probes that ask every second. */
export abstract class Health {
  #last: { report: HealthReport; at: number } | undefined;
  #looking: Promise<HealthReport> | undefined;

  constructor(
    protected readonly providers: Providers,
    protected readonly clock: Clock,
  ) {}

  /** Never throws. Many who ask at the same time cause one look. */
  async report(): Promise<HealthReport> {
    const last = this.#last;
    if (last !== undefined && this.clock.monotonicMs() - last.at < REMEMBERED_MS) {
      return last.report;
    }
    this.#looking ??= this.#lookNow().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  protected abstract look(): Promise<HealthReport>;

  /** Empty while a function of the option `providers` has given none. */
  protected async ofProviders(): Promise<Readonly<Record<string, PartHealth>>> {
    return this.ofSources(
      this.providers.peekAll().map((provider) => [provider.name, provider.source]),
    );
  }

  protected async ofSources(
    sources: readonly (readonly [string, KeySource])[],
  ): Promise<Readonly<Record<string, PartHealth>>> {
    const looked = sources.map(
      async ([name, source]) => [name, await this.#ofSource(source)] as const,
    );
    return Object.fromEntries(await Promise.all(looked));
  }

  async #ofSource(source: KeySource): Promise<PartHealth> {
    const answered = source.look(LOOK_AGAIN_MS).then(() => true);
    const inTime = await this.clock.within(PATIENCE_MS, answered).catch(() => false);
    const { known, failing, ageSec } = source.state;
    if (!known) return { status: 'down' };
    const status = inTime && !failing ? 'up' : 'degraded';
    return ageSec === undefined ? { status } : { status, keysAgeSec: ageSec };
  }

  async #lookNow(): Promise<HealthReport> {
    const report = await this.look();
    this.#last = { report, at: this.clock.monotonicMs() };
    return report;
  }
}
