import { availableParallelism } from 'node:os';

import { startPostgres } from '../../support/services/postgres.js';
import {
  type BrokerApplication,
  type FlowResult,
  Flows,
  brokerApplication,
} from '../broker-servers.js';
import type { Finding, Line, Row, Surroundings } from '../row.js';
import type { Served } from '../served.js';
import { spreadOf } from '../statistics.js';
import { limitOf } from './refresh.js';

const COUNTS = [1, 2, 4];
const CALLERS = 16;
const SESSIONS = 100;
const MOST_SECONDS = 10;

interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Processor time of the instances, in cores. */
  readonly cores: number;
}

interface Measured {
  readonly refresh: Load;
  readonly login: Load;
}

type Round = Readonly<Record<number, Measured>> & { readonly limit: number };

async function usedMs(instances: readonly Served[]): Promise<number> {
  const usages = await Promise.all(instances.map((one) => one.usage()));
  return usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** What all callers together did. */
async function loadOf(
  instances: readonly Served[],
  seconds: number,
  run: () => Promise<readonly FlowResult[]>,
): Promise<Load> {
  const before = await usedMs(instances);
  const results = await run();
  const cores = ((await usedMs(instances)) - before) / 1000 / seconds;
  const sum = results.reduce((all, { perSecond }) => all + perSecond, 0);
  const worst = (which: 'p50' | 'p99'): number => Math.max(...results.map((one) => one[which]));
  return { perSecond: sum, p50: worst('p50'), p99: worst('p99'), cores };
}

/** So many instances behind a balancer that gives each the next request, and as many processes of callers. */
async function measured(
  application: BrokerApplication,
  count: number,
  seconds: number,
): Promise<Measured> {
  const instances: Served[] = [];
  const callers = Array.from({ length: count }, () => new Flows());
  const each = CALLERS / count;
  try {
    for (let at = 0; at < count; at += 1) instances.push(await application.start());
    const ports = instances.map(({ port }) => port);
    const order = { ports, callers: each } as const;
    const first = await Promise.all(
      callers.map((one) => one.run({ ...order, flow: 'login', most: SESSIONS })),
    );
    const refreshed = (held: readonly FlowResult[]): Promise<readonly FlowResult[]> =>
      Promise.all(
        callers.map((one, at) =>
          one.run({ ...order, flow: 'refresh', seconds, held: held[at]?.held ?? [] }),
        ),
      );
    const warm = await refreshed(first);
    const refresh = await loadOf(instances, seconds, () => refreshed(warm));
    const login = await loadOf(instances, seconds, () =>
      Promise.all(callers.map((one) => one.run({ ...order, flow: 'login', seconds }))),
    );
    return { refresh, login };
  } finally {
    await Promise.all([...callers, ...instances].map((one) => one.stop()));
  }
}

function linesOf(rounds: readonly Round[]): Line[] {
  const [least = 1, ...more] = COUNTS;
  const spread = (value: (round: Round) => number | undefined) =>
    spreadOf(rounds.map((round) => value(round) ?? NaN));
  return (['refresh', 'login'] as const).flatMap((which): Line[] => {
    const what = which === 'refresh' ? 'Refreshes' : 'Logins';
    return [
      ...COUNTS.map((count): Line => ({
        what: `${what} at ${count} ${count === 1 ? 'instance' : 'instances'}`,
        against: '',
        value: spread((round) => round[count]?.[which].perSecond),
        unit: 'a second',
      })),
      ...more.map((count): Line => ({
        what: `${what} at ${count} instances`,
        against: 'one instance',
        value: spread((round) => {
          const one = round[least]?.[which].perSecond ?? NaN;
          return (round[count]?.[which].perSecond ?? NaN) / one;
        }),
        goal: 'grows with the cores until the database is the limit',
      })),
    ];
  });
}

async function onServer(server: string, { timing, progress }: Surroundings): Promise<Finding> {
  const seconds = Math.min(MOST_SECONDS, timing.answers / 1000);
  const application = await brokerApplication(server);
  const rounds: Round[] = [];
  for (let at = 1; at <= timing.rounds; at += 1) {
    const found: Record<number, Measured> = {};
    for (const count of COUNTS) found[count] = await measured(application, count, seconds);
    const limit = await limitOf(server, CALLERS, seconds);
    rounds.push({ ...found, limit });
    progress(`round ${at}: ${JSON.stringify(rounds.at(-1))}`);
  }
  const limit: Line = {
    what: 'Statements of a refresh alone, from one process',
    against: '',
    value: spreadOf(rounds.map((round) => round.limit)),
    unit: 'refreshes a second',
  };
  return { lines: [...linesOf(rounds), limit], raw: { rounds, cores: availableParallelism() } };
}

const instancesRow: Row = {
  name: 'instances',
  title: `One, two and four instances on one PostgreSQL, ${CALLERS} callers`,
  run: async (surroundings) => {
    const server = await startPostgres('durable');
    if (server === undefined) return { lines: [], raw: [], missing: 'PostgreSQL is not here' };
    try {
      return await onServer(server.url, surroundings);
    } finally {
      await server.stop();
    }
  },
};

export const instanceRows: readonly Row[] = [instancesRow];
