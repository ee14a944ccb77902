import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import type { SleepOptions } from '../../../lib/clock/clock.js';
import { FakeClock } from '../../support/fake-clock.js';

/** A clock whose sleepers wake when a test says so, or are woken by their signal. */
class SleepersClock extends FakeClock {
  /** Aborted to wake a sleeper. */
  readonly #asleep = new Set<AbortController>();

  override async sleep(_ms: number, { signal }: SleepOptions = {}): Promise<void> {
    const sleeper = new AbortController();
    this.#asleep.add(sleeper);
    signal?.addEventListener('abort', () => sleeper.abort());
    await once(sleeper.signal, 'abort');
    this.#asleep.delete(sleeper);
  }

  get sleepers(): number {
    return this.#asleep.size;
  }

  wake(): void {
    for (const sleeper of this.#asleep) sleeper.abort();
  }
}

const never = new Promise<never>(() => {});

const tooLate = () => new TypeError('too late');

describe('work with a time limit', () => {
  it('gives what it gives in time, and nobody sleeps on', async () => {
    const clock = new SleepersClock();

    await expect(clock.within(1000, Promise.resolve('done'))).resolves.toBe('done');
    await expect(clock.within(1000, Promise.reject(new Error('own')))).rejects.toThrow('own');
    await turn();

    expect(clock.sleepers).toBe(0);
  });

  it('is refused when it is late, in the words of whoever asks', async () => {
    const clock = new SleepersClock();
    const plain = expect(clock.within(1000, never)).rejects.toThrow('timed out');
    const own = expect(clock.within(1000, never, { late: tooLate })).rejects.toThrow('too late');

    clock.wake();

    await Promise.all([plain, own]);
  });

  it('is refused at once where its signal ends it', async () => {
    const clock = new SleepersClock();
    const controller = new AbortController();
    const { signal } = controller;
    const refused = expect(clock.within(1000, never, { signal })).rejects.toThrow('timed out');

    controller.abort();

    await refused;
  });

  it('is waited for at most so long, and its failure in that time is told', async () => {
    const clock = new SleepersClock();
    const waiting = clock.atMost(1000, never);
    clock.wake();

    await expect(waiting).resolves.toBeUndefined();
    await expect(clock.atMost(1000, Promise.reject(new Error('own')))).rejects.toThrow('own');
  });
});
