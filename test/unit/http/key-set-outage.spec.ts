import { describe, expect, it } from 'vitest';

import {
  closeSocket,
  drip,
  emptyBody,
  failWith,
  hang,
  html,
  redirectTo,
} from '../../support/faults.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { forgedTokens, startVerifier } from '../../support/verifier.js';

const HOUR_SEC = 3600;

describe('a key set whose source is down', () => {
  it('JW-2: verifies tokens of known keys for 24 hours, and no longer', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const stale = verifier.record('stale-keys-served');
    await verifier.verify(provider.accessToken());
    await provider.stop();

    for (const hours of [0.2, 0.9, 3, 8, 11]) {
      clock.advance(hours * HOUR_SEC); // 23.1 h in the end
      expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
      await verifier.settled();
    }
    clock.advance(HOUR_SEC);
    expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
    expect(stale.at(-1)).toMatchObject({ provider: 'default', ageSec: expect.any(Number) });
  });

  it('JW-2: ends remembered verifications with the keys that made them', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const token = provider.accessToken({ exp: Math.floor(clock.now().getTime() / 1000) + 90_000 });
    await verifier.verify(token);
    await provider.stop();

    clock.advance(23 * HOUR_SEC);
    expect(await verifier.outcome(token)).toBe('accepted');
    clock.advance(1.5 * HOUR_SEC);
    expect(await verifier.outcome(token)).toBe('503 temporarily_unavailable');
  });

  it('JW-2: goes by the option "jwksStaleSec"', async () => {
    const { clock, provider, verifier } = await startVerifier({ options: { jwksStaleSec: 900 } });
    await verifier.verify(provider.accessToken());
    await provider.stop();

    clock.advance(890);
    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    clock.advance(20);
    expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
  });

  it.each([
    ['is gone', undefined],
    ['closes the connection', closeSocket('before')],
    ['closes it in the middle', closeSocket('during')],
    ['answers 500', failWith(500)],
    ['answers 429', failWith(429)],
    ['answers a web page', html()],
    ['answers nothing', emptyBody()],
    ['redirects', redirectTo('http://127.0.0.1:9/jwks', 302)],
    ['never answers', hang()],
    ['drips', drip({ bytes: 1, everyMs: 5 })],
  ])(
    'JW-2: answers 503 to an unknown key and 200 to a known one while the source %s',
    async (_how, fault) => {
      const clock = new SteppedClock();
      const { provider, verifier } = await startVerifier({
        clock,
        options: { timeoutMs: 300 },
        provider: { whileWaiting: () => clock.advance(0.3) },
      });
      await verifier.verify(provider.accessToken());
      const known = provider.accessToken();
      await provider.rotateKeys();
      if (fault === undefined) await provider.stop();
      else provider.behaviour.faults.jwks = fault;

      expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
      expect(await verifier.outcome(known)).toBe('accepted');
    },
  );

  it('JW-2: heals within 30 s of the source coming back, after an outage of hours', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    await provider.rotateKeys();
    await provider.stop();
    for (let minute = 0; minute < 180; minute += 1) {
      clock.advance(60);
      await verifier.outcome(provider.accessToken());
    }

    await provider.start();
    const outcomes: string[] = [];
    for (let waited = 0; waited < 30; waited += 5) {
      clock.advance(5);
      outcomes.push(await verifier.outcome(provider.accessToken()));
    }

    expect(outcomes.at(-1)).toBe('accepted');
  });

  it.each([
    ['a minute', 60, 60, 0],
    ['an hour without a call', 3600, 1, 1], // to learn of withdrawn keys
  ])(
    'JW-2: delays known keys half a second at most, and once, when the source turned slow for %s',
    async (_, seconds, times, delays) => {
      const clock = new SteppedClock();
      const { provider, verifier } = await startVerifier({ clock, options: { timeoutMs: 2000 } });
      await verifier.verify(provider.accessToken());
      provider.behaviour.faults.jwks = hang();
      let delayed = 0;
      const verify = async (): Promise<void> => {
        const verified = verifier.verify(provider.accessToken());
        const waits = clock.asleep(500).then(() => 'waits');
        if ((await Promise.race([verified, waits])) === 'waits') {
          delayed += 1;
          clock.advance(0.5);
        }
        await verified;
      };

      for (let at = 0; at < times; at += 1) {
        clock.advance(seconds);
        await verify();
      }
      await verify();

      expect(delayed).toBe(delays);
    },
  );
});

describe('a source that was never there', () => {
  it('JW-2: answers 503, not 401, until keys were read once, and then heals', async () => {
    const { clock, provider, verifier } = await startVerifier();
    await provider.stop();

    for (let at = 0; at < 20; at += 1) {
      expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
      clock.advance(30);
    }
    await provider.start();
    clock.advance(30);

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    expect(await verifier.outcome(forgedTokens(provider, 1)[0] ?? '')).toBe('401 invalid_token');
  });

  it('JW-2: heals within 30 s when discovery answers and only the keys were missing', async () => {
    const { clock, provider, verifier } = await startVerifier();
    provider.behaviour.faults.jwks = failWith(503);
    for (let at = 0; at < 40; at += 1) {
      expect(await verifier.outcome(provider.accessToken())).toBe('503 temporarily_unavailable');
      clock.advance(7);
    }

    provider.behaviour.faults = {};
    clock.advance(30);

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
  });

  it.each([
    ['a web page', html()],
    ['nothing', emptyBody()],
    ['a redirect', redirectTo('http://127.0.0.1:9/')],
    ['404', failWith(404)],
  ] as const)('JW-2: answers 502 when the first answer is %s', async (_what, fault) => {
    for (const endpoint of ['discovery', 'jwks'] as const) {
      const { provider, verifier } = await startVerifier();
      provider.behaviour.faults[endpoint] = fault;

      expect(await verifier.outcome(provider.accessToken())).toBe('502 server_error');
    }
  });
});
