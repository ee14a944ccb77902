import { type Answered, LoadGenerator, type Served, type Target } from './served.js';
import { type Spread, spreadOf } from './statistics.js';

/** One of those that are compared. */
export interface Contestant {
  readonly name: string;
  start(): Promise<Served>;
  /** Requests to warm up with, and those that are measured. */
  requests(served: Served): Requests | Promise<Requests>;
}

export interface Requests {
  readonly warmUp: readonly string[];
  readonly measured: readonly string[];
  /** Whether each may be sent only once. */
  readonly once?: boolean;
}

export interface Timing {
  readonly rounds: number;
  /** So many answers each server gives before it is measured, and so many, at least, while it is. */
  readonly answers: number;
}

/** Processor time a request, in microseconds, of each contestant in each round. */
export type Rounds = Readonly<Record<string, readonly number[]>>;

const CONNECTIONS = 8;

function refuseErrors(name: string, { answers, statuses }: Answered): void {
  if (answers > 0 && statuses['200'] === answers) return;
  throw new Error(`${name} did not answer 200 always: ${JSON.stringify(statuses)}`);
}

async function round(
  contestants: readonly Contestant[],
  { answers }: Timing,
): Promise<readonly number[]> {
  const load = new LoadGenerator();
  const served: Served[] = [];
  try {
    for (const contestant of contestants) served.push(await contestant.start());
    const sent: (Requests | undefined)[] = [];
    for (const [at, one] of served.entries()) sent.push(await contestants[at]?.requests(one));
    const targets = (which: 'warmUp' | 'measured'): Target[] =>
      served.map(({ port }, at) => ({
        port,
        requests: sent[at]?.[which] ?? [],
        connections: CONNECTIONS,
        ...(sent[at]?.once === true && { once: true }),
      }));
    const warmUps = sent.map((one) => (one?.once === true ? one.warmUp.length : answers));
    await load.run(targets('warmUp'), Math.max(...warmUps));
    const before = await Promise.all(served.map((one) => one.usage()));
    const answered = await load.run(targets('measured'), answers);
    const after = await Promise.all(served.map((one) => one.usage()));
    return answered.map((answer, at) => {
      refuseErrors(contestants[at]?.name ?? '', answer);
      const usedMs = (after[at]?.cpuMs ?? NaN) - (before[at]?.cpuMs ?? NaN);
      return (usedMs * 1000) / answer.answers;
    });
  } finally {
    await Promise.all([load.stop(), ...served.map((one) => one.stop())]);
  }
}

/** All of them under load at once, in new processes each round. */
export async function underLoad(
  contestants: readonly Contestant[],
  timing: Timing,
  progress: (text: string) => void,
): Promise<Rounds> {
  const all: number[][] = [];
  for (let at = 1; at <= timing.rounds; at += 1) {
    const used = await round(contestants, timing);
    all.push([...used]);
    progress(
      `round ${at}: ${contestants.map(({ name }, index) => `${name} ${used[index]?.toFixed(1)} µs`).join(', ')}`,
    );
  }
  return Object.fromEntries(
    contestants.map(({ name }, index) => [name, all.map((used) => used[index] ?? NaN)]),
  );
}

/** How many requests `ours` serves in the processor time in which `other` serves one, round by round. */
export function ratio(rounds: Rounds, ours: string, other: string): Spread {
  const own = rounds[ours] ?? [];
  const theirs = rounds[other] ?? [];
  return spreadOf(own.map((used, at) => (theirs[at] ?? NaN) / used));
}
