import { EventEmitter, once } from 'node:events';

import { describe, expect, it } from 'vitest';

import { delay, failWith, hang, html, type Fault } from '../../support/faults.js';
import { sendAnswer } from '../../support/provider-answer.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { forgedTokens, startVerifier, tally } from '../../support/verifier.js';

const FORGED = 1000;

/** An answer that is held back until somebody lets it go. */
function heldBack(
  fault: Fault = ({ response, usual }) => usual().then((answer) => sendAnswer(response, answer)),
) {
  const gate = new EventEmitter();
  const opened = once(gate, 'open');
  const held: Fault = async (exchange) => {
    await opened;
    await fault(exchange);
  };
  return { held, letGo: () => gate.emit('open') };
}

describe('a flood of unknown key ids', () => {
  it('JW-1: fetches the key set three times at most for 1,000 forged tokens one after another', async () => {
    const { provider, verifier } = await startVerifier();

    const outcomes: string[] = [];
    for (const token of forgedTokens(provider, FORGED))
      outcomes.push(await verifier.outcome(token));

    expect(tally(outcomes)).toEqual({ '401 invalid_token': FORGED });
    expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(3);
    expect(provider.requestsTo('discovery')).toHaveLength(1);
  });

  it('JW-1: fetches the key set three times at most for 1,000 forged tokens at once', async () => {
    const { provider, verifier } = await startVerifier();
    provider.behaviour.faults.jwks = delay(50);
    const tokens = forgedTokens(provider, FORGED);

    const outcomes = await Promise.all(tokens.map((token) => verifier.outcome(token)));

    expect(tally(outcomes)).toEqual({ '401 invalid_token': FORGED });
    expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(3);
  });

  it('JW-1: fetches once for any number of first callers', async () => {
    const { provider, verifier } = await startVerifier();
    provider.behaviour.faults.discovery = delay(30);
    provider.behaviour.faults.jwks = delay(30);
    const tokens = Array.from({ length: 100 }, () => provider.accessToken());

    const outcomes = await Promise.all(tokens.map((token) => verifier.outcome(token)));

    expect(tally(outcomes)).toEqual({ accepted: 100 });
    expect(provider.requestsTo('jwks')).toHaveLength(1);
    expect(provider.requestsTo('discovery')).toHaveLength(1);
  });

  it.each<[how: string, fault: Fault | undefined, outcome: string]>([
    ['answers', undefined, '401 invalid_token'],
    ['answers 500', failWith(500), '503 temporarily_unavailable'],
    ['answers 429', failWith(429), '503 temporarily_unavailable'],
    ['answers a web page', html(), '503 temporarily_unavailable'],
    ['never answers', hang(), '503 temporarily_unavailable'],
  ])(
    'JW-1: keeps to its limits and has no known key wait for the endpoint, which then %s',
    async (_how, fault, outcome) => {
      const clock = new SteppedClock();
      const { provider, verifier } = await startVerifier({
        clock,
        options: { timeoutMs: 1000 },
        provider: { whileWaiting: () => clock.advance(1) },
      });
      await verifier.verify(provider.accessToken());
      const { held, letGo } = heldBack(fault);
      provider.behaviour.faults.jwks = held;
      const tokens = forgedTokens(provider, FORGED);

      const flood = Promise.all(tokens.map((token) => verifier.outcome(token)));
      for (let at = 0; at < 50; at += 1) await verifier.verify(provider.accessToken());
      letGo();
      const outcomes = [...(await flood)];
      for (const token of forgedTokens(provider, FORGED))
        outcomes.push(await verifier.outcome(token));

      expect(tally(outcomes)).toEqual({ [outcome]: 2 * FORGED });
      expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(3);
    },
  );

  it('JW-1: fetches once a cool-down for a flood that does not end', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());

    for (const token of forgedTokens(provider, 280)) {
      clock.advance(1);
      await verifier.outcome(token);
    }

    const fetches = provider.requestsTo('jwks').length;
    expect(fetches).toBeGreaterThanOrEqual(9);
    expect(fetches).toBeLessThanOrEqual(1 + 2 + 9); // the first read, a burst of two, one each 30 s
  });

  it('JW-1: waits for the option "jwksCooldownSec" between fetches', async () => {
    const { clock, provider, verifier } = await startVerifier({
      options: { jwksCooldownSec: 200 },
    });
    await verifier.verify(provider.accessToken());

    for (const token of forgedTokens(provider, 280)) {
      clock.advance(1);
      await verifier.outcome(token);
    }

    expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(1 + 2 + 1);
  });

  it('JW-1: backs off while the endpoint fails', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    provider.behaviour.faults.jwks = failWith(503);

    for (const token of forgedTokens(provider, 280)) {
      clock.advance(1);
      await verifier.outcome(token);
    }

    expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(1 + 2 + 9);
  });

  it('JW-1: backs off for all callers while there are no keys yet', async () => {
    const { clock, provider, verifier } = await startVerifier();
    provider.behaviour.faults.discovery = failWith(503);

    for (let at = 0; at < 100; at += 1) {
      await verifier.outcome(provider.accessToken());
      clock.advance(1);
    }

    const fetches = provider.requestsTo('discovery').length;
    expect(fetches).toBeGreaterThan(8); // heals within 30 s
    expect(fetches).toBeLessThan(25);
  });

  it('JW-1: keeps its cool-down when the wall clock is set back or forth', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const [first = '', second = '', third = '', fourth = ''] = forgedTokens(provider, 4);
    for (const token of [first, second, third]) await verifier.outcome(token);
    const fetches = provider.requestsTo('jwks').length;

    clock.set(new Date(clock.now().getTime() + 3600_000));
    await verifier.outcome(fourth);
    clock.set(new Date(clock.now().getTime() - 2 * 3600_000));
    await verifier.outcome(third);

    expect(provider.requestsTo('jwks')).toHaveLength(fetches);
  });

  it('JW-1: finds a new key with the first token that names it, by one fetch', async () => {
    const { provider, verifier } = await startVerifier();
    const old = provider.accessToken();
    await verifier.verify(old);
    await provider.rotateKeys();

    const tokens = Array.from({ length: 20 }, () => provider.accessToken());
    const outcomes = await Promise.all(tokens.map((token) => verifier.outcome(token)));

    expect(tally(outcomes)).toEqual({ accepted: 20 });
    expect(await verifier.outcome(old)).toBe('accepted');
    expect(provider.requestsTo('jwks')).toHaveLength(2);
  });
});
