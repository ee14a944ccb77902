import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startMongoDb } from '../../support/services/mongodb.js';
import { startPostgres } from '../../support/services/postgres.js';
import { type BrokerApplication, Flows, brokerApplication } from '../broker-servers.js';
import type { Line, Row, Surroundings } from '../row.js';
import { type Served, serveNode } from '../served.js';
import { spreadOf } from '../statistics.js';

const SESSIONS = 200;
const CALLERS = 16;
const BATCHES = 5;
const BATCH = 20;

interface Database {
  readonly url: string;
  stop(): Promise<void>;
}

interface Kind {
  readonly name: string;
  readonly title: string;
  /** `undefined` where the server is not installed. */
  start(): Promise<Database | undefined>;
}

async function sqliteFile(): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'oidc-bench-'));
  return {
    url: `sqlite://${join(folder, 'broker.db')}`,
    stop: () => rm(folder, { recursive: true }),
  };
}

async function mongoServer(): Promise<Database | undefined> {
  const server = await startMongoDb();
  return server && { ...server, url: `${server.url}oidc_bench` };
}

const kinds: readonly Kind[] = [
  {
    name: 'memory',
    title: 'memory',
    start: async () => ({ url: 'memory://', stop: async () => undefined }),
  },
  { name: 'sqlite', title: 'SQLite', start: sqliteFile },
  { name: 'postgres', title: 'PostgreSQL', start: () => startPostgres('durable') },
  { name: 'mongodb', title: "a server of MongoDB's protocol, in memory", start: mongoServer },
];

interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly cpuMs: number;
  /** One refresh after another. */
  readonly aloneMs: number;
  readonly statements: readonly number[];
}

/** Statements a refresh, in batches: now and then an instance asks something by itself. */
async function statementsOf(served: Served, flows: Flows): Promise<readonly number[]> {
  const counts: number[] = [];
  const { held } = await flows.run({
    flow: 'login',
    ports: [served.port],
    callers: 1,
    most: BATCH,
  });
  for (let batch = 0, now = held; batch < BATCHES; batch += 1) {
    const before = (await served.usage()).statements ?? 0;
    const order = {
      flow: 'refresh',
      ports: [served.port],
      callers: 1,
      most: BATCH,
      held: now,
    } as const;
    ({ held: now } = await flows.run(order));
    counts.push((((await served.usage()).statements ?? 0) - before) / BATCH);
  }
  return counts;
}

async function measured(
  application: BrokerApplication,
  seconds: number,
  isCounted: boolean,
): Promise<Measured> {
  const flows = new Flows();
  const served = await application.start({ counting: isCounted });
  const ports = [served.port];
  try {
    const { held } = await flows.run({ flow: 'login', ports, callers: CALLERS, most: SESSIONS });
    const statements = isCounted ? await statementsOf(served, flows) : [];
    const warm = await flows.run({ flow: 'refresh', ports, callers: CALLERS, seconds, held });
    const before = await served.usage();
    const loaded = await flows.run({
      flow: 'refresh',
      ports,
      callers: CALLERS,
      seconds,
      held: warm.held,
    });
    const after = await served.usage();
    const alone = await flows.run({
      flow: 'refresh',
      ports,
      callers: 1,
      most: SESSIONS,
      held: loaded.held,
    });
    return {
      perSecond: loaded.perSecond,
      p50: loaded.p50,
      cpuMs: (after.cpuMs - before.cpuMs) / loaded.done,
      aloneMs: alone.p50,
      statements,
    };
  } finally {
    await Promise.all([flows.stop(), served.stop()]);
  }
}

/** How often a second the store takes the statements of a refresh, by themselves. */
export async function limitOf(storeUrl: string, callers: number, seconds: number): Promise<number> {
  const settings = { adapter: 'fastify', issuer: '', publicKey: {}, clientId: '' } as const;
  const more = { clientSecret: '', audience: '', tokens: [], storeUrl, callers, seconds };
  const served = await serveNode('servers/refresh-statements.js', { ...settings, ...more });
  await served.stop();
  return Number(served.said['perSecond']);
}

interface Round extends Measured {
  readonly limit?: number;
  readonly limitAlone?: number;
}

async function rounds(
  { url }: Database,
  { timing, progress }: Surroundings,
): Promise<readonly Round[]> {
  const seconds = Math.min(10, timing.answers / 1000);
  const application = await brokerApplication(url);
  const all: Round[] = [];
  for (let at = 1; at <= timing.rounds; at += 1) {
    const counted = at === 1 && url !== 'memory://';
    const ours = await measured(application, seconds, counted);
    const limits =
      url === 'memory://'
        ? {}
        : {
            limit: await limitOf(url, CALLERS, seconds),
            limitAlone: await limitOf(url, 1, Math.min(2, seconds)),
          };
    all.push({ ...ours, ...limits });
    progress(`round ${at}: ${JSON.stringify(all.at(-1))}`);
  }
  return all;
}

function linesOf({ title }: Kind, all: readonly Round[]): readonly Line[] {
  const what = `Refresh with ${title}, ${CALLERS} at once`;
  const statements = all.flatMap((one) => one.statements);
  const limits = all.flatMap(({ limit }) => limit ?? []);
  return [
    ...(statements.length === 0
      ? []
      : [
          {
            what: `Statements of a refresh with ${title}`,
            against: '',
            value: spreadOf(statements),
            goal: '≤ 4',
          },
        ]),
    {
      what,
      against: '',
      value: spreadOf(all.map(({ perSecond }) => perSecond)),
      unit: 'a second',
    },
    {
      what: `${what}: processor time of the instance`,
      against: '',
      value: spreadOf(all.map(({ cpuMs }) => cpuMs)),
      unit: 'ms each',
    },
    ...(limits.length === 0
      ? []
      : [
          {
            what,
            against: 'its statements alone, from one process',
            value: spreadOf(all.map(({ perSecond, limit = NaN }) => perSecond / limit)),
            goal: '≥ 0.7',
          },
          {
            what: `Time of one refresh with ${title}, more than`,
            against: 'its statements alone',
            value: spreadOf(
              all.map(({ aloneMs, limitAlone = NaN }) => aloneMs - 1000 / limitAlone),
            ),
            unit: 'ms',
          },
        ]),
  ];
}

function refreshRow(kind: Kind): Row {
  return {
    name: `refresh-${kind.name}`,
    title: `Refresh with ${kind.title}, the provider of no latency`,
    run: async (surroundings) => {
      const database = await kind.start();
      if (database === undefined)
        return { lines: [], raw: [], missing: `${kind.title} is not here` };
      try {
        const all = await rounds(database, surroundings);
        return { lines: linesOf(kind, all), raw: all };
      } finally {
        await database.stop();
      }
    },
  };
}

export const refreshRows: readonly Row[] = kinds.map(refreshRow);
