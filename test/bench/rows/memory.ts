import { hostileCredentials } from '../forgeries.js';
import type { BenchIssuer } from '../issuer.js';
import type { Line, Row } from '../row.js';
import { LoadGenerator, type Served, requestWith, serveNode } from '../served.js';
import { spreadOf } from '../statistics.js';
import { bearer, settingsFor } from './remembered.js';

const TOKENS = 100_000;
const HOSTILE = 1_000_000;
const SHORT = 20;
/** So many are made and sent at a time. */
const BATCH = 5000;
const CONNECTIONS = 16;
const WARM_UP = 20_000;
const MOST_ROUNDS = 3;

/** What it has grown by, after so many. */
export interface Growth {
  readonly count: number;
  readonly rssMb: number;
  readonly heapMb: number;
}

/** At these shares of all of them it is looked at. */
const LOOKS = [0.01, 0.03, 0.1, 0.3, 1];

interface Flood {
  readonly name: string;
  readonly what: string;
  readonly count: number;
  readonly status: string;
  request(issuer: BenchIssuer, at: number): Promise<string>;
}

const floods: readonly Flood[] = [
  {
    name: 'memory-tokens',
    what: 'distinct valid tokens',
    count: TOKENS,
    status: '200',
    request: async (issuer, at) => bearer(await issuer.quickToken(at)),
  },
  {
    name: 'memory-hostile',
    what: 'distinct hostile inputs',
    count: HOSTILE,
    status: '401',
    request: async (issuer, at) => requestWith({ Authorization: hostileCredentials(issuer, at) }),
  },
];

async function send(
  load: LoadGenerator,
  { port }: Served,
  requests: readonly string[],
  status: string,
  answers = requests.length,
): Promise<void> {
  const once = answers === requests.length;
  const target = { port, requests, connections: CONNECTIONS, ...(once && { once }) };
  const [answered] = await load.run([target], answers);
  const others = Object.keys(answered?.statuses ?? {}).filter((one) => one !== status);
  if (others.length > 0) throw new Error(`Not always ${status}: ${others.join(', ')}`);
}

/** By how much a server grows, from when it has served the same few for a while; garbage left out. */
async function growthOf(
  issuer: BenchIssuer,
  flood: Flood,
  count: number,
): Promise<readonly Growth[]> {
  const load = new LoadGenerator();
  const served = await serveNode('servers/oidc-auth.js', settingsFor(issuer, 'fastify', []));
  const few = Array.from({ length: 100 }, (_, at) => flood.request(issuer, at));
  const growths: Growth[] = [];
  let sent = 0;
  const sendUntil = async (end: number): Promise<void> => {
    while (sent < end) {
      const batch = Array.from({ length: Math.min(BATCH, end - sent) }, (_, at) =>
        flood.request(issuer, few.length + sent + at),
      );
      await send(load, served, await Promise.all(batch), flood.status);
      sent += batch.length;
    }
  };
  try {
    await send(load, served, await Promise.all(few), flood.status, WARM_UP);
    const before = await served.usage('settled');
    for (const share of LOOKS) {
      await sendUntil(Math.round(count * share));
      const { rssMb, heapMb = NaN } = await served.usage('settled');
      growths.push({
        count: sent,
        rssMb: rssMb - before.rssMb,
        heapMb: heapMb - (before.heapMb ?? NaN),
      });
    }
    return growths;
  } finally {
    await Promise.all([load.stop(), served.stop()]);
  }
}

function memoryRow(flood: Flood): Row {
  return {
    name: flood.name,
    title: `Memory for ${flood.count.toLocaleString('en')} ${flood.what}`,
    run: async ({ issuer, timing, short, progress }) => {
      const count = short ? flood.count / SHORT : flood.count;
      const raw: (readonly Growth[])[] = [];
      for (let round = 1; round <= Math.min(MOST_ROUNDS, timing.rounds); round += 1) {
        raw.push(await growthOf(issuer, flood, count));
        progress(`round ${round}: ${JSON.stringify(raw.at(-1))}`);
      }
      const what = `Memory for ${count.toLocaleString('en')} ${flood.what}`;
      const line = (which: 'rssMb' | 'heapMb', of: string): Line => ({
        what: `${what}: ${of}`,
        against: 'a hundred of them',
        value: spreadOf(raw.map((looks) => Math.max(...looks.map((one) => one[which])))),
        unit: 'MB more',
        goal: '≤ 50',
      });
      return { lines: [line('rssMb', 'the process'), line('heapMb', 'its heap')], raw };
    },
  };
}

export const memoryRows: readonly Row[] = floods.map(memoryRow);
