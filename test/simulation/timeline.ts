import { settled } from './serial-crypto.js';

/** A process: what it does waits while it is frozen, and never happens once it is dead. */
export class Process {
  alive = true;
  frozenUntil = 0;

  constructor(
    readonly name: string,
    /** How far its wall clock is ahead of the true time. */
    readonly offsetMs: number,
  ) {}
}

interface Entry {
  at: number;
  order: number;
  readonly of: Process | undefined;
  readonly run: () => void;
  cancelled: boolean;
}

/** An entry that may still be taken back. */
export interface Scheduled {
  cancel(): void;
}

/**
 * All time of a simulation: what happens next is what is due next, and nothing happens in between. True time is in milliseconds and
 * begins at 0.
 */
export class Timeline {
  now = 0;
  readonly #entries: Entry[] = [];
  #order = 0;

  /** Lets something happen in so many milliseconds, in a process or, without one, in the world outside. */
  after(ms: number, run: () => void, of?: Process): Scheduled {
    const entry = { at: this.now + Math.max(0, ms), order: 0, of, run, cancelled: false };
    this.#insert(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  /** Waits, in the world outside. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Goes on until `work` has ended, one entry after another, each with all that follows from it at once. */
  async run(work: Promise<unknown>, untilMs: number): Promise<void> {
    const state = { over: false };
    const end = () => {
      state.over = true;
    };
    work.then(end, end);
    await settled();
    while (!state.over) {
      const entry = this.#entries.shift();
      if (entry === undefined || entry.at > untilMs) throw new Error('the schedule does not end');
      if (this.#happens(entry)) await settled();
    }
    await work;
  }

  #happens(entry: Entry): boolean {
    if (entry.cancelled) return false;
    this.now = Math.max(this.now, entry.at);
    if (entry.of !== undefined && !entry.of.alive) return false;
    if (entry.of !== undefined && entry.of.frozenUntil > this.now) {
      entry.at = entry.of.frozenUntil;
      this.#insert(entry);
      return false;
    }
    entry.run();
    return true;
  }

  #insert(entry: Entry): void {
    this.#order += 1;
    entry.order = this.#order;
    const place = this.#entries.findLastIndex((one) => one.at <= entry.at);
    this.#entries.splice(place + 1, 0, entry);
  }
}
