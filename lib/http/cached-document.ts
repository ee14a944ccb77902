import type { Clock } from '../clock/clock.js';
import { unavailable } from '../errors/oauth.error.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_FIRST_LOAD_RETRY_MS = 10_000;
const PATIENCE_MS = 500;
const BURST = 2;

/** How a {@link CachedDocument} is fetched and how long it may be used. */
export interface CachedDocumentSettings<T> {
  load: () => Promise<T>;
  clock: Clock;
  /** Age from which a new copy is fetched in the background, in milliseconds. */
  freshMs: number;
  /** Age up to which the last copy serves while its source is down, in milliseconds. */
  usableMs: number;
  /** Shortest time between two fetches on demand, after a burst of two, in milliseconds. */
  cooldownMs: number;
  /** Told when the last copy is used although it could not be renewed. */
  onStale?: (ageMs: number) => void;
  /** A copy that was kept elsewhere, asked for when the source does not answer and there is none in memory. */
  kept?: () => Promise<KeptCopy<T> | undefined>;
}

/** A document that was fetched before this process began, or by another one. */
export interface KeptCopy<T> {
  readonly document: T;
  readonly ageMs: number;
}

/**
 * A document of somebody else's server, kept in memory. Any number of readers cause one fetch at a time; the last good
 * copy serves while a new one is fetched and while the source is down; after failures the next try waits longer and
 * longer, with jitter. All ages are measured on the monotonic clock.
 */
export class CachedDocument<T> {
  #copy: { document: T; at: number } | undefined;
  #flight: Promise<T> | undefined;
  /** Ends with the flight, or after half a second of it: whoever comes later does not wait at all. */
  #patience: Promise<unknown> | undefined;
  #failures = 0;
  #lastError: unknown;
  #retryAt = 0;
  #demand = { left: BURST, at: 0 };

  constructor(private readonly settings: CachedDocumentSettings<T>) {}

  /** The copy while it is so young that nobody would fetch it anew. */
  get fresh(): T | undefined {
    return this.#age() < this.settings.freshMs ? this.#copy?.document : undefined;
  }

  /** The last good copy, while it may be used; fetches nothing. */
  peek(): T | undefined {
    return this.#age() < this.settings.usableMs ? this.#copy?.document : undefined;
  }

  /** Whether the last attempt to fetch it failed. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Whether the copy is old and its source had no chance yet to say otherwise. */
  get overdue(): boolean {
    return !this.failing && this.#age() >= 2 * this.settings.freshMs;
  }

  /** Age of the last good copy, in milliseconds; `Infinity` where there is none. */
  get ageMs(): number {
    return this.#age();
  }

  /** Fetches anew what is older than that, unless it failed a moment ago; what becomes of it, {@link failing} says. */
  async look(maxAgeMs: number): Promise<void> {
    const due = this.#age() >= maxAgeMs && this.#mayTry();
    await (due ? this.#load() : this.#flight)?.catch(() => undefined);
  }

  /**
   * The document. A copy that is at hand is given at once, or after half a second at most when it is old and its
   * source had no chance yet to say otherwise.
   *
   * @throws what the fetch threw, when there is no usable copy; within the back-off without another fetch.
   */
  async read(): Promise<T> {
    const age = this.#age();
    if (this.#copy === undefined || age >= this.settings.usableMs) return this.#loadFirst();
    const { document } = this.#copy;
    if (age < this.settings.freshMs) return document;
    if (this.failing) this.settings.onStale?.(age);
    const renewal = this.#mayTry() ? this.#load() : this.#flight;
    if (renewal === undefined) return document;
    if (!this.overdue) return document;
    const settled = renewal.catch(() => undefined);
    this.#patience ??= this.settings.clock.atMost(PATIENCE_MS, settled);
    await this.#patience;
    return this.#copy.document;
  }

  /**
   * Fetches anew because the copy lacks what a caller needs. Joins a fetch under way, and fetches at most once a
   * cool-down after a burst of two, so that forged demands cost nothing.
   *
   * @returns the newest copy; the same one as before when nothing was or could be fetched.
   */
  async renew(): Promise<T | undefined> {
    if (this.#flight === undefined && !(this.#mayTry() && this.#takeDemand())) return this.peek();
    await (this.#flight ?? this.#load()).catch(() => undefined);
    return this.peek();
  }

  /** Makes the next reader fetch it again in the background: something suggests that it has changed. */
  expire(): void {
    if (this.#copy === undefined || !this.#takeDemand()) return;
    this.#copy.at = Math.min(this.#copy.at, this.#now() - this.settings.freshMs);
  }

  #now(): number {
    return this.settings.clock.monotonicMs();
  }

  #age(): number {
    return this.#copy === undefined ? Infinity : this.#now() - this.#copy.at;
  }

  async #loadFirst(): Promise<T> {
    if (this.#flight !== undefined) return this.#flight;
    if (this.#mayTry()) return this.#load();
    throw this.#lastError ?? unavailable();
  }

  #mayTry(): boolean {
    return this.#flight === undefined && (this.#failures === 0 || this.#now() >= this.#retryAt);
  }

  #takeDemand(): boolean {
    const now = this.#now();
    const refilled = (now - this.#demand.at) / this.settings.cooldownMs;
    const left = Math.min(BURST, this.#demand.left + refilled);
    if (left < 1) return false;
    this.#demand = { left: left - 1, at: now };
    return true;
  }

  #load(): Promise<T> {
    this.#flight = this.#attempt().finally(() => {
      this.#flight = undefined;
      this.#patience = undefined;
    });
    this.#flight.catch(() => undefined); // readers that did not wait
    return this.#flight;
  }

  async #attempt(): Promise<T> {
    try {
      const document = await this.settings.load();
      this.#copy = { document, at: this.#now() };
      this.#failures = 0;
      return document;
    } catch (error) {
      this.#noteFailure(error);
      return this.#useKept(error);
    }
  }

  /** Goes on with a kept copy, as if it had been in memory all the time. @throws `failure` when there is none to use. */
  async #useKept(failure: unknown): Promise<T> {
    if (this.settings.kept === undefined || this.peek() !== undefined) throw failure;
    const kept = await this.settings.kept().catch(() => undefined);
    if (kept === undefined || kept.ageMs >= this.settings.usableMs) throw failure;
    this.#copy = { document: kept.document, at: this.#now() - Math.max(0, kept.ageMs) };
    return kept.document;
  }

  #noteFailure(error: unknown): void {
    this.#failures += 1;
    this.#lastError = error;
    const longest =
      this.#copy === undefined
        ? Math.min(LONGEST_FIRST_LOAD_RETRY_MS, this.settings.cooldownMs)
        : this.settings.cooldownMs;
    const delay = Math.min(longest, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    this.#retryAt = this.#now() + delay * (0.75 + Math.random() / 4);
  }
}
