import { describe, expect, it } from 'vitest';

import { accepted, refused, tokenPartyVectors } from '../../support/token-vectors.js';
import { startVerifier } from '../../support/verifier.js';

describe('issuer and audience of a token', () => {
  it('JV-6: goes by the party that the token was issued to when the audience is switched off', async () => {
    const { clock, provider, verifier } = await startVerifier({ options: { audience: false } });
    const now = () => clock.now();
    const all = await tokenPartyVectors({ ...provider.vectorSource, now });

    const outcomes: Record<string, string> = {};
    for (const { name, token } of all) outcomes[name] = await verifier.outcome(token);

    for (const { name } of refused(all))
      expect(outcomes).toHaveProperty([name], '401 invalid_token');
    for (const { name } of accepted(all)) expect(outcomes).toHaveProperty([name], 'accepted');
    expect(all.length).toBeGreaterThan(12);
  });

  it('JV-6: still checks the type of "aud" when the audience is switched off', async () => {
    const { provider, verifier } = await startVerifier({ options: { audience: false } });

    expect(await verifier.outcome(provider.accessToken({ aud: { 0: 'x' } }))).toBe(
      '401 invalid_token',
    );
  });

  it('JV-6: accepts any of several audiences, each exactly', async () => {
    const audience = ['first-aud', 'second-aud'];
    const { provider, verifier } = await startVerifier({ options: { audience } });
    const outcome = (aud: unknown): Promise<string> =>
      verifier.outcome(provider.accessToken({ aud }));

    expect(await outcome('first-aud')).toBe('accepted');
    expect(await outcome(['x', 'second-aud'])).toBe('accepted');
    expect(await outcome('first-aud second-aud')).toBe('401 invalid_token');
    expect(await outcome('my-aud')).toBe('401 invalid_token');
  });

  it('JV-6: accepts a token of another client when the audience is ours', async () => {
    const { provider, verifier } = await startVerifier();

    expect(await verifier.outcome(provider.accessToken({ azp: 'other-client' }))).toBe('accepted');
  });

  it('JV-6: refuses a foreign issuer before anything is fetched, and tells of it', async () => {
    const { provider, verifier } = await startVerifier();
    const refusals = verifier.record('issuer-refused');
    const token = provider.accessToken({ iss: 'https://evil.example/\nforged line' });

    const outcome = await verifier.outcome(token);

    expect(outcome).toBe('401 invalid_token');
    expect(provider.requests).toEqual([]);
    expect(refusals).toEqual([
      { provider: 'default', issuer: String.raw`https://evil.example/\u000aforged line` },
    ]);
  });

  it('JV-6: fetches no key set for a foreign issuer', async () => {
    const { provider, verifier } = await startVerifier();
    await verifier.verify(provider.accessToken());
    provider.clearRequests();

    await verifier.outcome(
      provider.accessToken({ iss: `${provider.issuer}/` }, { kid: 'unknown' }),
    );

    expect(provider.requests).toEqual([]);
  });
});
