import { startPostgres } from '../../support/services/postgres.js';
import type { Finding, Line, Row, Surroundings } from '../row.js';
import { type Costs, SessionTable } from '../session-table.js';
import { spreadOf } from '../statistics.js';

const SIZES = [1000, 100_000, 1_000_000];
const LARGEST = 10_000_000;
const SHORT_SIZES = [1000, 100_000];
const NOT_LARGEST = 'a table of 10,000,000 sessions takes 30 GB and an hour: --largest';
const PURGED = 30_000;
const PURGE_SECONDS = 30;
const MOST_ROUNDS = 5;

const NAMES: Readonly<Record<keyof Costs, string>> = {
  refresh: 'A refresh',
  login: 'A login',
  revocation: 'A revocation',
  guard: 'A guarded GET',
};

export type Round = Readonly<Record<number, Costs>>;

const written = (sessions: number): string => sessions.toLocaleString('en');

function linesOf(sizes: readonly number[], rounds: readonly Round[]): Line[] {
  const [least = 0, ...others] = sizes;
  return others.flatMap((size) =>
    (['refresh', 'login', 'revocation', 'guard'] as const).map((which): Line => ({
      what: `${NAMES[which]} beside ${written(size)} sessions: what it costs`,
      against: `beside ${written(least)}`,
      value: spreadOf(
        rounds.map((round) => (round[size]?.[which] ?? NaN) / (round[least]?.[which] ?? NaN)),
      ),
      goal: '≤ 1.2',
    })),
  );
}

async function measured(
  server: string,
  { timing, short, largest, progress }: Surroundings,
): Promise<Finding> {
  const sizes = short ? SHORT_SIZES : [...SIZES, ...(largest ? [LARGEST] : [])];
  const tables: SessionTable[] = [];
  try {
    for (const size of sizes) tables.push(await SessionTable.make(server, size, progress));
    const rounds: Round[] = [];
    for (let at = 1; at <= Math.min(MOST_ROUNDS, timing.rounds); at += 1) {
      const round: Record<number, Costs> = {};
      const inTurn = at % 2 === 1 ? tables : tables.toReversed();
      for (const table of inTurn) round[table.sessions] = await table.costs();
      rounds.push(round);
      progress(`round ${at}: ${JSON.stringify(round)}`);
    }
    const biggest = tables.at(-1);
    const purge = await biggest?.purge(PURGED, PURGE_SECONDS);
    progress(`purge: ${JSON.stringify(purge)}`);
    const purging = { against: `${written(sizes.at(-1) ?? 0)} sessions, others refresh` };
    return {
      lines: [
        ...linesOf(sizes, rounds),
        {
          ...purging,
          what: 'Expired sessions that one instance purges',
          value: spreadOf([purge?.perSecond ?? NaN]),
          unit: 'a second',
          goal: '≥ 1,000',
        },
        {
          ...purging,
          what: 'Others that wait more than 50 ms for a lock meanwhile',
          value: spreadOf([purge?.longWaits ?? NaN]),
          unit: 'times seen',
          goal: '0',
        },
      ],
      raw: { rounds, purge },
      ...(largest || short ? {} : { missing: NOT_LARGEST }),
    };
  } finally {
    for (const table of tables) await table.close();
  }
}

const tableSizeRow: Row = {
  name: 'table-size',
  title: 'Sessions in the table (PostgreSQL), one in a hundred of them revoked lately',
  run: async (surroundings) => {
    const server = await startPostgres('durable');
    if (server === undefined) return { lines: [], raw: [], missing: 'PostgreSQL is not here' };
    try {
      return await measured(server.url, surroundings);
    } finally {
      await server.stop();
    }
  },
};

export const tableSizeRows: readonly Row[] = [tableSizeRow];
