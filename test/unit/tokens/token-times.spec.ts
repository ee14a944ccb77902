import { describe, expect, it } from 'vitest';

import { startVerifier } from '../../support/verifier.js';

const MONTH_SEC = 31 * 24 * 3600;

describe.each([0, 5, 60])('times of a token with a tolerance of %d s', (tolerance) => {
  const start = () => startVerifier({ options: { clockToleranceSec: tolerance } });

  it('JV-7: accepts an expired token up to the tolerance and refuses it a second later', async () => {
    const { clock, provider, verifier } = await start();
    const exp = Math.floor(clock.now().getTime() / 1000) + 100;
    const token = (): string => provider.accessToken({ exp }); // a new one: nothing is remembered

    clock.advance(100 + tolerance - 1);
    expect(await verifier.outcome(token())).toBe('accepted');
    clock.advance(2);
    expect(await verifier.outcome(token())).toBe('401 invalid_token');
  });

  it.each(['nbf', 'iat'])('JV-7: refuses %s a second past the tolerance ahead', async (claim) => {
    const { clock, provider, verifier } = await start();
    const now = Math.floor(clock.now().getTime() / 1000);
    const starting = (at: number): string => provider.accessToken({ [claim]: at });

    expect(await verifier.outcome(starting(now + tolerance + 1))).toBe('401 invalid_token');
    expect(await verifier.outcome(starting(now + tolerance))).toBe('accepted');
    clock.advance(1);
    expect(await verifier.outcome(starting(now + tolerance + 1))).toBe('accepted');
  });

  it('JV-7: refuses a token that lives longer than 31 days from now', async () => {
    const { clock, provider, verifier } = await start();
    const now = Math.floor(clock.now().getTime() / 1000);
    const ending = (exp: number): string => provider.accessToken({ exp });

    expect(await verifier.outcome(ending(now + MONTH_SEC))).toBe('accepted');
    expect(await verifier.outcome(ending(now + MONTH_SEC + tolerance + 1))).toBe(
      '401 invalid_token',
    );
  });
});

describe('times of a token', () => {
  it('JV-7: goes by the option "maxTokenAgeSec"', async () => {
    const options = { maxTokenAgeSec: 600, clockToleranceSec: 0 };
    const { clock, provider, verifier } = await startVerifier({ options });
    const now = Math.floor(clock.now().getTime() / 1000);

    expect(await verifier.outcome(provider.accessToken({ exp: now + 599 }))).toBe('accepted');
    expect(await verifier.outcome(provider.accessToken({ exp: now + 601 }))).toBe(
      '401 invalid_token',
    );
  });

  it('JV-7: goes by the wall clock, also when it is set back', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const token = provider.accessToken();
    clock.set(new Date(clock.now().getTime() - 60_000));

    expect(await verifier.outcome(token)).toBe('401 invalid_token'); // issued in the future now
  });
});
