import { describe, expect, it, vi } from 'vitest';

import { EndingIterator } from '../../../lib/graphql/ending-iterator.js';
import { memoryGrowth } from '../../support/memory.js';

const over = { done: true, value: undefined };

/** Values, and then none until somebody asks for the end. */
function source(...values: number[]) {
  const returned = vi.fn(async () => ({ done: true as const, value: undefined }));
  const iterator: AsyncIterator<number> = {
    next: async () => {
      const value = values.shift();
      return value === undefined ? new Promise<never>(() => undefined) : { done: false, value };
    },
    return: returned,
  };
  return { iterator, returned };
}

async function* two() {
  yield 1;
  yield 2;
}

describe('an iterator that can be ended from outside', () => {
  it('gives the values of its source, and ends with it', async () => {
    const iterator = new EndingIterator(two());
    iterator.onEnd = vi.fn();
    const values: number[] = [];
    for await (const value of iterator) values.push(value);

    expect(values).toEqual([1, 2]);
    expect(iterator.onEnd).toHaveBeenCalledTimes(1);
  });

  it('tells all who wait, and its source once, whoever ends it', async () => {
    const { iterator: from, returned } = source();
    const iterator = new EndingIterator(from);
    iterator.onEnd = vi.fn();
    const waiting = [iterator.next(), iterator.next()];

    iterator.end();
    iterator.end();

    expect(await Promise.all(waiting)).toEqual([over, over]);
    expect(await iterator.return()).toEqual(over);
    expect(returned).toHaveBeenCalledTimes(1);
    expect(iterator.onEnd).toHaveBeenCalledTimes(1);
  });

  it('gives nothing after its end, even where its source has more', async () => {
    const { iterator: from } = source(1, 2);
    const iterator = new EndingIterator(from);
    expect(await iterator.next()).toEqual({ done: false, value: 1 });

    iterator.end();

    expect(await iterator.next()).toEqual(over);
  });

  it('ends its source when its reader throws', async () => {
    const { iterator: from, returned } = source(1);
    const iterator = new EndingIterator(from);
    iterator.onEnd = vi.fn();

    await expect(iterator.throw(new Error('of the reader'))).rejects.toThrow('of the reader');
    expect(returned).toHaveBeenCalledTimes(1);
    expect(iterator.onEnd).toHaveBeenCalledTimes(1);
  });

  it('hands on what its source throws, and survives a source that cannot be ended', async () => {
    const failing = new EndingIterator<number>({
      next: () => Promise.reject(new Error('of the source')),
      return: () => Promise.reject(new Error('cannot end')),
    });

    await expect(failing.next()).rejects.toThrow('of the source');
    failing.end(); // an unhandled rejection would fail this test
    expect(await failing.next()).toEqual(over);
    const without = new EndingIterator<number>({ next: async () => ({ done: false, value: 1 }) });
    expect(await without.return()).toEqual(over);
  });

  it('keeps nothing of the values that it has given', async () => {
    let count = 0;
    const iterator = new EndingIterator<string>({
      next: async () => ({ done: false, value: 'x'.repeat(1000) + count++ }),
    });
    const growth = await memoryGrowth(async () => {
      for (let taken = 0; taken < 5000; taken += 1) await iterator.next();
    });

    expect(growth.heap).toBeLessThan(2e6);
    expect(await iterator.return()).toEqual(over); // it has lived until here
  });
});
