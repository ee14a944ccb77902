import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose_gc');
const collect: unknown = runInNewContext('gc');

/** What a piece of work left behind, in bytes, after the garbage was collected. */
export interface MemoryGrowth {
  readonly heap: number;
  readonly rss: number;
}

async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let round = 0; round < 3; round += 1) {
    if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
    await turn();
  }
  return process.memoryUsage();
}

/** Lets the heap take the room that garbage of any work needs. */
function warmUp(): number {
  const parts: string[][] = [];
  for (let at = 0; at < 40; at += 1)
    parts.push(Array.from({ length: 10_000 }, (_, part) => `${at} ${part}`));
  return parts.length;
}

/** By how much the memory of this process grows over a piece of work. */
export async function memoryGrowth(work: () => unknown): Promise<MemoryGrowth> {
  warmUp();
  const before = await settledMemory();
  await work();
  const after = await settledMemory();
  return { heap: after.heapUsed - before.heapUsed, rss: after.rss - before.rss };
}
