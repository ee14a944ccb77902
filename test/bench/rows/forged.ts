import { forgedToken } from '../forgeries.js';
import type { BenchIssuer } from '../issuer.js';
import type { Row } from '../row.js';
import {
  type Answered,
  type Arrivals,
  LoadGenerator,
  type Served,
  type Target,
  serveNode,
} from '../served.js';
import { spreadOf } from '../statistics.js';
import { type Adapter, bearer, settingsFor } from './remembered.js';

const USERS = 100;
const VALID_A_SECOND = 500;
const FORGED_A_SECOND = 1000;
const CONNECTIONS = 8;
/** Ten seconds of valid traffic. */
const MOST_ANSWERS = 5000;
/** Nobody waits for another's answer, so that forgeries come as often as they are meant to. */
const FORGERS = 64;

/** What valid callers saw, how often forgeries came, and how often the provider was asked meanwhile. */
interface Seen {
  readonly p50: number;
  readonly p99: number;
  readonly forgedASecond: number;
  readonly fetches: number;
  /** Processor time of the server. */
  readonly cpuMs: number;
  readonly arrivals: Readonly<Record<'valid' | 'forged', Arrivals | undefined>>;
}

function refuseOthers({ answers, statuses }: Answered, status: string): void {
  if (statuses[status] !== answers)
    throw new Error(`Not always ${status}: ${JSON.stringify(statuses)}`);
}

/** Valid traffic of so many answers, beside forgeries or alone. Both kinds come from processes of their own. */
async function seen(
  issuer: BenchIssuer,
  served: Served,
  requests: readonly string[],
  answers: number,
  isFlooded: boolean,
): Promise<Seen> {
  const forgeries = Math.round((answers * FORGED_A_SECOND) / VALID_A_SECOND);
  const forged = isFlooded
    ? Array.from({ length: forgeries }, (_, at) => bearer(forgedToken(issuer, at)))
    : [];
  const { port } = served;
  const flood: Target = {
    port,
    requests: forged,
    connections: FORGERS,
    once: true,
    perSecond: FORGED_A_SECOND,
  };
  const valid: Target = { port, requests, connections: CONNECTIONS, perSecond: VALID_A_SECOND };
  const [load, forger] = [new LoadGenerator(), new LoadGenerator()];
  const asked = issuer.asked;
  const { cpuMs: before } = await served.usage();
  const beganAt = performance.now();
  try {
    const flooding = isFlooded ? forger.run([flood], forgeries) : [];
    const [answered] = await load.run([valid], answers);
    const [refused] = await flooding;
    const tookSec = (performance.now() - beganAt) / 1000;
    if (answered === undefined) throw new Error('The load generator gave no result');
    refuseOthers(answered, '200');
    if (refused !== undefined) refuseOthers(refused, '401');
    const forgedASecond = (refused?.answers ?? 0) / tookSec;
    const { p50, p99 } = answered;
    const cpuMs = (await served.usage()).cpuMs - before;
    const arrivals = { valid: answered.arrivals, forged: refused?.arrivals };
    return { p50, p99, forgedASecond, fetches: issuer.asked - asked, cpuMs, arrivals };
  } finally {
    await Promise.all([load.stop(), forger.stop()]);
  }
}

function forgedRow(adapter: Adapter): Row {
  const title = `1,000 forged tokens a second on ${adapter}, beside 500 valid ones`;
  return {
    name: `forged-${adapter}`,
    title,
    run: async ({ issuer, timing, progress }) => {
      const { rounds } = timing;
      const answers = Math.min(timing.answers, MOST_ANSWERS);
      const tokens = await issuer.tokens(USERS);
      const requests = tokens.map(bearer);
      const raw: { alone: Seen; beside: Seen; fetches: number }[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const served = await serveNode('servers/oidc-auth.js', settingsFor(issuer, adapter, []));
        const look = (isFlooded: boolean): Promise<Seen> =>
          seen(issuer, served, requests, answers, isFlooded);
        try {
          await look(false); // warm
          const { fetches } = await look(true); // all that a flood can cause is caused by the first one
          const first = await look(round % 2 === 0);
          const second = await look(round % 2 === 1);
          const [alone, beside] = round % 2 === 1 ? [first, second] : [second, first];
          const pair = { alone, beside, fetches };
          raw.push(pair);
          progress(`round ${round}: ${JSON.stringify(pair)}`);
        } finally {
          await served.stop();
        }
      }
      const beside = { what: title, against: 'none of them' };
      return {
        lines: [
          {
            ...beside,
            what: `${title}: p99 of the valid ones`,
            value: spreadOf(raw.map((one) => one.beside.p99 / one.alone.p99)),
            goal: '≤ 1.5',
          },
          {
            ...beside,
            what: `${title}: what the provider is asked meanwhile`,
            value: spreadOf(raw.map((one) => one.fetches)),
            unit: 'requests',
            goal: '≤ 3',
          },
          {
            ...beside,
            what: `${title}: how many of them came`,
            value: spreadOf(raw.map((one) => one.beside.forgedASecond)),
            unit: 'a second',
          },
          {
            ...beside,
            what: `${title}: processor time of one forged`,
            value: spreadOf(
              raw.map(({ alone, beside: both }) => {
                const forgeries = (answers * FORGED_A_SECOND) / VALID_A_SECOND;
                return ((both.cpuMs - alone.cpuMs) * 1000) / forgeries;
              }),
            ),
            unit: 'µs',
          },
        ],
        raw,
      };
    },
  };
}

export const forgedRows: readonly Row[] = [forgedRow('express'), forgedRow('fastify')];
