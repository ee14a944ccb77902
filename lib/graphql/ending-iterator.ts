/** An iterator that can be ended from outside: whoever waits for its next value is told that there is none. */
export class EndingIterator<T> implements AsyncIterableIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #waiting = new Set<(result: IteratorResult<T>) => void>();
  #ended = false;
  /** Called once, whoever ended it. */
  onEnd: (() => void) | undefined;

  constructor(source: AsyncIterator<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#ended) return { done: true, value: undefined };
    const result = await this.#nextOrEnd();
    if (result.done === true) this.#finish();
    return result;
  }

  async return(): Promise<IteratorResult<T>> {
    if (this.#finish()) await this.#source.return?.();
    return { done: true, value: undefined };
  }

  async throw(error?: unknown): Promise<IteratorResult<T>> {
    await this.return();
    throw error;
  }

  /** Ends it now, and tells its source. */
  end(): void {
    void this.return().catch(() => undefined); // the source is the host's
  }

  /** Not a race of promises: one that never settles would keep every value that was ever waited for. */
  async #nextOrEnd(): Promise<IteratorResult<T>> {
    let wake: ((result: IteratorResult<T>) => void) | undefined;
    const ended = new Promise<IteratorResult<T>>((resolve) => {
      wake = resolve;
      this.#waiting.add(resolve);
    });
    try {
      return await Promise.race([this.#source.next(), ended]);
    } finally {
      if (wake !== undefined) this.#waiting.delete(wake);
    }
  }

  /** @returns whether it was not over before. */
  #finish(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.onEnd?.();
    for (const wake of this.#waiting) wake({ done: true, value: undefined });
    return true;
  }
}
