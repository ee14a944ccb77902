import { ModuleRef } from '@nestjs/core';
import type { Clock } from '../clock/clock.js';
import type { Deadline } from '../clock/deadline.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { HostFaults } from '../events/host-faults.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { BrokerStore } from '../contract/broker-store.js';
import type { BrokerStoreChoice } from '../contract/store-choice.js';
import { MemoryBrokerStore } from './memory-broker.store.js';
import { resolveStore, storeDefinition } from './resolve-store.js';

const REPEAT_AFTER_MS = 50;
const LONGEST_PAUSE_MS = 400;
const FIRST_REOPEN_MS = 500;
const LONGEST_REOPEN_MS = 10_000;

/** The store cannot be asked (503). */
export function storeUnavailable(cause: unknown): OAuthError {
  const text = 'The session store cannot be reached at the moment';
  return new OAuthError('temporarily_unavailable', text, { cause });
}

/** How a question to the store is repeated after a failure; only what may be asked twice, whatever became of the first time. */
export interface Repetition {
  /** Once, because a pool may have kept connections that a restart of the database ended. */
  readonly repeat?: boolean;
  /** Again and again until then, and once after it: what would be lost is worth waiting for a database that restarts. */
  readonly until?: Deadline;
}

/**
 * The way to the store of broker mode: made from the host's choice by {@link start}, once the container is built, opened before it is
 * first asked and again after that failed, every call with a time limit. Whatever goes wrong becomes 503.
 */
export class StoreAccess {
  readonly #logger = new SafeLogger();
  #store: BrokerStore | undefined;
  #opened: Promise<BrokerStore> | undefined;
  readonly #choice: BrokerStoreChoice | undefined;
  readonly #container: ModuleRef;
  #failures = 0;
  #closed = false;

  constructor(
    private readonly options: ResolvedOptions,
    choice: BrokerStoreChoice | undefined,
    private readonly events: OidcEvents,
    container: ModuleRef,
    private readonly faults: HostFaults,
    private readonly clock: Clock,
  ) {
    this.#choice = choice;
    this.#container = container;
  }

  /** Whether what is kept here outlives the process. */
  get lasting(): boolean {
    return !(this.#store instanceof MemoryBrokerStore);
  }

  /** Whether the store is of a version that keeps sessions of browsers; to be asked after {@link start}. */
  get keepsBrowserSessions(): boolean {
    return this.#store?.touchSession !== BrokerStore.prototype.touchSession;
  }

  /** @throws {@link OidcConfigError} when the host's store cannot be used at all; a store that is down only warns. */
  async start(): Promise<void> {
    this.#store = await resolveStore(this.#choice, {
      container: this.#container,
      appName: this.options.appName,
      onWarning: (warning) => this.#logger.warn(warning),
    });
    try {
      await this.#within(this.#open());
    } catch (error) {
      if (error instanceof OidcConfigError) throw error;
      this.#report(error);
    }
  }

  /** Closes the store; nothing is asked or reported any more. */
  async stop(): Promise<void> {
    this.#closed = true;
    try {
      await this.#store?.close();
    } catch (error) {
      if (this.#isOfHost) this.faults.report('"broker.store"', error);
    }
  }

  /**
   * Asks the store.
   *
   * @param work hears whether it is asked again: what it asked before may have been heard, and only the answer lost.
   * @throws {@link OAuthError} 503 `temporarily_unavailable`
   */
  async ask<T>(
    work: (store: BrokerStore, again: boolean) => Promise<T>,
    { repeat = false, until }: Repetition = {},
  ): Promise<T> {
    const patienceMs = until?.leftMs() ?? 0;
    let last = !repeat && until === undefined;
    let pauseMs = REPEAT_AFTER_MS;
    for (let waitedMs = 0; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      try {
        const again = waitedMs > 0;
        return await this.#within(this.#open().then((store) => work(store, again)));
      } catch (error) {
        if (last || this.#closed) throw this.#refusal(error);
      }
      await this.clock.sleep(pauseMs);
      waitedMs += pauseMs;
      last = waitedMs >= patienceMs || until?.leftMs() === 0;
    }
  }

  /** One opening for all that wait; after a failure the next one is tried no sooner than a back-off allows. */
  #open(): Promise<BrokerStore> {
    const store = this.#store;
    if (store === undefined) return Promise.reject(new TypeError('There is no store'));
    const opening = async () => store.open(); // one that throws at once counts like one that rejects
    this.#opened ??= opening().then(
      () => {
        this.#failures = 0;
        return store;
      },
      (error: unknown) => {
        const delay = Math.min(LONGEST_REOPEN_MS, FIRST_REOPEN_MS * 2 ** this.#failures);
        this.#failures += 1;
        void this.clock.sleep(delay, { ref: false }).then(() => (this.#opened = undefined));
        throw error;
      },
    );
    return this.#opened;
  }

  /** What a store of the host's own throws is logged whole. Of ours, drivers put statements and values into theirs. */
  async #reported<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const refusal = error instanceof OAuthError || error instanceof OidcConfigError;
      if (this.#isOfHost && !refusal && !this.#closed) this.faults.report('"broker.store"', error);
      throw error;
    }
  }

  /** Whether the host wrote the store itself: it is neither opened by URL nor made by one of our adapters. */
  get #isOfHost(): boolean {
    const choice = this.#choice;
    if (choice === undefined || typeof choice === 'string') return false;
    if (storeDefinition(choice) !== undefined) return false;
    return this.#store?.constructor !== MemoryBrokerStore;
  }

  #within<T>(work: Promise<T>): Promise<T> {
    return this.clock.within(this.options.timeoutMs, this.#reported(work));
  }

  #refusal(error: unknown): OAuthError {
    if (error instanceof OAuthError) return error;
    this.#report(error);
    return storeUnavailable(error);
  }

  #report(error: unknown): void {
    if (this.#closed) return;
    if (error instanceof OidcConfigError) this.#logger.error(error.message);
    this.events.emit('store-failed', {
      provider: DEFAULT_PROVIDER,
      reason: describeError(error),
    });
  }
}
