import { writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freshDatabase } from '../store/fresh-database.js';
import { Browser, SESSION_COOKIE } from '../support/browser-sessions.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { type Counted, InstanceProcess } from './support/instance-process.js';

// Takes five minutes, so it runs on demand: npm run build && OIDC_TEST_THOUSAND=1 npm run test:stores -- test/processes/browser-sessions.spec.ts
// What it measured is then in oidc-browser-sessions.json in the temporary folder.
const server = process.env['OIDC_TEST_POSTGRES_URL'];
const wanted = process.env['OIDC_TEST_THOUSAND'] === '1' && server !== undefined;

const SESSIONS = Number(process.env['OIDC_TEST_SESSIONS'] ?? 1000);
const INSTANCES = 4;
const AT_ONCE = 32;
/** Long enough to log all in before the first renewal is due, a minute early. */
const LIFETIME_SEC = Number(process.env['OIDC_TEST_LIFETIME_SEC'] ?? 240);

interface Answer {
  readonly at: number;
  readonly ms: number;
  readonly status: number;
}

interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly processorMsPerRequest: number;
  readonly readsPerRequest: number;
  readonly usesWritten: number;
}

/** What was measured so far. */
async function write(report: object): Promise<void> {
  const file = join(tmpdir(), 'oidc-browser-sessions.json');
  await writeFile(file, JSON.stringify(report, undefined, 2));
}

/** Enough after so many. */
const forSeconds = (seconds: number): (() => boolean) => {
  const untilMs = performance.now() + seconds * 1000;
  return () => performance.now() > untilMs;
};

const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

describe.skipIf(!wanted)('a thousand sessions by cookie at four instances', () => {
  const agent = new Agent({ keepAlive: true });
  const instances: InstanceProcess[] = [];
  let provider: MisbehavingProvider;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const database = await freshDatabase(server ?? '');
    remove = database.drop;
    for (let index = 0; index < INSTANCES; index += 1) {
      const started = await InstanceProcess.start({
        storeUrl: database.url,
        discoveryUrl: provider.discoveryUrl,
        clientSecret: provider.clientSecret,
        timeoutMs: 60_000, // of a busy machine: an answer that is given up is a rotated token lost
        ...(instances[0] === undefined ? {} : { publicUrl: instances[0].url }),
        broker: { accessTokenLifetimeSec: LIFETIME_SEC, revocationPollSec: 5 },
        session: {},
        counting: true,
      });
      instances.push(started);
    }
  }, 600_000);

  afterAll(async () => {
    agent.destroy();
    await Promise.all(instances.map((instance) => instance.stop()));
    await provider.close();
    await remove();
  });

  const send = (url: string, reference: string, method = 'GET'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const at = performance.now();
      const headers = { cookie: `${SESSION_COOKIE}=${reference}`, 'sec-fetch-site': 'same-origin' };
      const outgoing = httpRequest(url, { agent, method, headers }, (incoming) => {
        incoming.resume().once('end', () => {
          resolve({ at, ms: performance.now() - at, status: incoming.statusCode ?? 0 });
        });
      });
      outgoing.once('error', (error) => {
        // The server ended an idle connection just when it was taken up again: as browsers do, once more.
        if (outgoing.reusedSocket) resolve(send(url, reference, method));
        else reject(error);
      });
      outgoing.end();
    });

  const counts = async (): Promise<Counted> => {
    const all = await Promise.all(instances.map((instance) => instance.counted()));
    const sum = (name: string): number =>
      all.reduce((total, { calls }) => total + (calls[name] ?? 0), 0);
    const calls = { findSession: sum('findSession'), touchSession: sum('touchSession') };
    return { calls, processorMs: all.reduce((total, one) => total + one.processorMs, 0) };
  };

  /** So many callers at once go through all sessions, each request to the next instance, until it is enough. */
  async function loadUntil(
    references: readonly string[],
    isEnough: () => boolean,
  ): Promise<[Load, number[]]> {
    const [before, beganAt] = [await counts(), performance.now()];
    const answers: Answer[] = [];
    let next = 0;
    const caller = async (): Promise<void> => {
      while (!isEnough()) {
        const [index, reference] = [next, references[next % references.length] ?? ''];
        next += 1;
        const instance = instances[(index + Math.floor(index / references.length)) % INSTANCES];
        answers.push(await send(`${instance?.url ?? ''}/me`, reference));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    const [after, tookSec] = [await counts(), (performance.now() - beganAt) / 1000];
    const times = answers.map(({ ms }) => ms).toSorted((one, other) => one - other);
    const diff = (name: string): number => (after.calls[name] ?? 0) - (before.calls[name] ?? 0);
    const load: Load = {
      requests: answers.length,
      perSecond: rounded(answers.length / tookSec),
      p50: rounded(times[Math.floor(times.length * 0.5)] ?? Number.NaN),
      p99: rounded(times[Math.floor(times.length * 0.99)] ?? Number.NaN),
      processorMsPerRequest: rounded((after.processorMs - before.processorMs) / answers.length, 2),
      readsPerRequest: rounded(diff('findSession') / answers.length, 3),
      usesWritten: diff('touchSession'),
    };
    return [load, answers.map(({ status }) => status)];
  }

  const renewals = (): string[] =>
    provider
      .requestsTo('token')
      .filter(({ body }) => body['grant_type'] === 'refresh_token')
      .map(({ body }) => body['refresh_token'] ?? '');

  it('are renewed once each, lose nobody, and end everywhere', { timeout: 900_000 }, async () => {
    const [first] = instances;
    if (first === undefined) throw new Error('no instance');
    const references: string[] = [];
    const beganAt = performance.now();
    const logIns = async (): Promise<void> => {
      while (references.length < SESSIONS) {
        const browser = new Browser(first);
        await browser.logIn('/me');
        references.push(browser.reference);
      }
    };
    await Promise.all(Array.from({ length: 8 }, logIns));
    references.length = SESSIONS;
    const loggedInMs = performance.now() - beganAt;
    const dueMs = beganAt + (LIFETIME_SEC - 60) * 1000;
    expect(performance.now()).toBeLessThan(dueMs - 15_000); // else the machine is too slow for this lifetime

    await loadUntil(references, forSeconds(5)); // warm
    const [steady, steadyStatuses] = await loadUntil(references, forSeconds(10));
    const few = references.slice(0, 20);
    const [remembered, rememberedStatuses] = await loadUntil(few, forSeconds(5));
    expect(renewals()).toEqual([]);
    await pause(Math.max(0, dueMs - performance.now()));
    let renewed = 0;
    const counting = setInterval(() => (renewed = renewals().length), 1000);
    // Until all are renewed; a second renewal is not due before that of the first one, another lifetime less a minute later.
    const latestMs = dueMs + (LIFETIME_SEC - 60) * 1000 - 10_000;
    const isRenewed = (): boolean => renewed >= SESSIONS || performance.now() > latestMs;
    const [renewing, renewingStatuses] = await loadUntil(references, isRenewed);
    clearInterval(counting);
    await pause(2000); // whatever else may be under way
    const asked = renewals();
    const refused = [...steadyStatuses, ...rememberedStatuses, ...renewingStatuses].filter(
      (one) => one !== 200,
    );
    await write({
      logInSec: rounded(loggedInMs / 1000),
      steady,
      remembered,
      renewing,
      renewals: asked.length,
      refused,
    });

    expect(refused).toEqual([]);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(SESSIONS);
    expect(Math.max(steady.readsPerRequest, remembered.readsPerRequest)).toBeLessThanOrEqual(1);

    const seen: number[] = [];
    const ended = async (reference: string): Promise<void> => {
      await Promise.all(instances.map(({ url }) => send(`${url}/me`, reference))); // all remember it
      expect((await send(`${first.url}/auth/v2/logout`, reference, 'POST')).status).toBe(303);
      const endedAt = performance.now();
      const dead = async ({ url }: InstanceProcess): Promise<void> => {
        while ((await send(`${url}/me`, reference)).status !== 401) await pause(100);
        seen.push(performance.now() - endedAt);
      };
      await Promise.all(instances.map(dead));
    };
    await Promise.all(references.slice(0, 20).map(ended));
    const sorted = seen.toSorted((one, other) => one - other);
    const slowest = rounded((sorted.at(-1) ?? Number.NaN) / 1000);

    await write({
      logInSec: rounded(loggedInMs / 1000),
      steady,
      remembered,
      renewing,
      renewals: asked.length,
      endedElsewhereSec: {
        median: rounded((sorted[sorted.length / 2] ?? Number.NaN) / 1000),
        slowest,
      },
    });
    expect(slowest).toBeLessThanOrEqual(10);
  });
});
