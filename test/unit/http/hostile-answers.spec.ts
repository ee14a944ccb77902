import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { startEndlessServer } from '../../support/endless-server.js';
import { answerWith, closeSocket, drip, hang, type Fault } from '../../support/faults.js';
import { sendAnswer } from '../../support/provider-answer.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { buildVerifier, startVerifier, tally } from '../../support/verifier.js';

const MIB = 1024 * 1024;
const endpoints = ['discovery', 'jwks'] as const;

/** By how many MiB the memory of this process grows at most while the work runs. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 5);
  await work().finally(() => clearInterval(watch));
  return (Math.max(highest, process.memoryUsage().rss) - before) / MIB;
}

describe.each(endpoints)('a huge or slow answer of %s', (endpoint) => {
  it('JW-6: stops reading an endless body at 1 MiB, with less than 20 MB of memory', async () => {
    const { clock, provider } = await startVerifier();
    const origin = await startEndlessServer();
    const verifier =
      endpoint === 'jwks'
        ? buildVerifier(provider, { clock, options: { jwksUri: `${origin}/jwks` } })
        : buildVerifier({ discoveryUrl: `${origin}/.well-known/openid-configuration` }, { clock });
    const iss = endpoint === 'jwks' ? provider.issuer : origin;
    const token = provider.accessToken({ iss });
    const outcomes: string[] = [];
    const endure = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at += 1) {
        clock.advance(10);
        outcomes.push(await verifier.outcome(token));
      }
    };
    await endure(20); // what the first calls load for good does not count

    const growth = await growthOf(() => endure(3));

    expect(tally(outcomes)).toEqual({ '502 server_error': 23 });
    expect(growth).toBeLessThan(20);
  });

  it('JW-6: counts the bytes of a compressed body after it was unpacked', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    const packed = gzipSync(Buffer.alloc(MIB, ' '));
    provider.behaviour.faults[endpoint] = answerWith({
      status: 200,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: Buffer.concat(Array.from({ length: 500 }, () => packed)), // 500 MiB out of 500 KiB
    });
    await verifier.outcome(token);
    clock.advance(60);
    let outcome: string | undefined;

    const growth = await growthOf(async () => {
      outcome = await verifier.outcome(token);
    });

    expect(outcome).toBe('502 server_error');
    expect(growth).toBeLessThan(20);
  });

  it('JW-6: takes a body of 1 MiB and refuses one byte more', async () => {
    expect(await padded(endpoint, MIB)).toBe('accepted');
    expect(await padded(endpoint, MIB + 1)).toBe('502 server_error');
  });

  it.each([
    ['never answers', hang()],
    ['drips a byte at a time', drip({ bytes: 1, everyMs: 25 })],
    ['drips large pieces', slowLargeBody()],
  ])('JW-6: gives up at the time limit when the source %s', async (_how, fault) => {
    const clock = new SteppedClock();
    const { provider, verifier } = await startVerifier({ clock, options: { timeoutMs: 300 } });
    provider.behaviour.faults[endpoint] = fault;

    const outcome = verifier.outcome(provider.accessToken());
    await provider.reached(endpoint);

    expect(await isPending(outcome, () => clock.advance(0.299))).toBe(true);
    clock.advance(0.001);
    expect(await outcome).toBe('503 temporarily_unavailable');
  });

  it.each(['before', 'during'] as const)(
    'JW-6: answers 503 when the connection closes %s the body',
    async (when) => {
      const { provider, verifier } = await startVerifier();
      provider.behaviour.faults[endpoint] = closeSocket(when);

      expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
    },
  );
});

/** What comes of a good document that white space makes this long. */
async function padded(endpoint: (typeof endpoints)[number], bytes: number): Promise<string> {
  const { provider, verifier } = await startVerifier();
  provider.behaviour.faults[endpoint] = async ({ response, usual }) => {
    const { body } = await usual();
    sendAnswer(response, { status: 200, body: JSON.stringify(body).padEnd(bytes) });
  };
  return verifier.outcome(provider.accessToken());
}

/** Sends what is within the size limit, but too slowly. */
function slowLargeBody(): Fault {
  return async (exchange) => {
    const body = JSON.stringify((await exchange.usual()).body).padEnd(900 * 1024);
    const usual = async () => ({ status: 200, body });
    await drip({ bytes: 4096, everyMs: 5 })({ ...exchange, usual });
  };
}

/** Whether something goes on although this was done. */
async function isPending(work: Promise<unknown>, done: () => void): Promise<boolean> {
  let over = false;
  const end = (): unknown => (over = true);
  work.then(end, end);
  done();
  for (let turns = 0; turns < 5; turns += 1) await turn();
  return !over;
}

const neverFetch = (): Promise<Response> => new Promise(() => undefined);

describe('a source that hangs', () => {
  it('JW-6: gets five seconds for discovery and for the key set, whatever "timeoutMs" allows', async () => {
    for (const endpoint of endpoints) {
      const clock = new SteppedClock();
      const { provider, verifier } = await startVerifier({ clock, options: { timeoutMs: 60_000 } });
      provider.behaviour.faults[endpoint] = hang();

      const outcome = verifier.outcome(provider.accessToken());
      await provider.reached(endpoint);

      expect(await isPending(outcome, () => clock.advance(4.999))).toBe(true);
      clock.advance(0.001);
      expect(await outcome).toBe('503 temporarily_unavailable');
    }
  });

  it('JW-6: is given up also when the "fetch" option ignores its signal', async () => {
    const { provider, verifier } = await startVerifier({
      options: { fetch: neverFetch, timeoutMs: 200 },
    });

    expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
  });

  it('JW-6: does not use up the calls that may be under way', async () => {
    const { clock, provider, verifier } = await startVerifier({
      options: { timeoutMs: 100, maxUpstreamCalls: 1 },
    });
    provider.behaviour.faults.discovery = hang();
    for (let at = 0; at < 5; at += 1) {
      await verifier.outcome(provider.accessToken());
      clock.advance(30);
    }

    provider.behaviour.faults = {};

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
  });
});
