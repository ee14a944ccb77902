import { describe, expect, it } from 'vitest';

import { compactJws, keySigner } from '../../support/compact-jws.js';
import { fuzzedPayloads } from '../../support/token-vectors.js';
import { startVerifier, tally } from '../../support/verifier.js';

const FUZZED = 10_000;

describe('odd payloads', () => {
  it('JV-9: accepts or refuses 10,000 signed payloads and never fails in another way', async () => {
    const { clock, provider, verifier } = await startVerifier({
      provider: { algorithms: ['EdDSA'] },
    });
    const source = { ...provider.vectorSource, now: () => clock.now() };

    const outcomes: string[] = [];
    for (const token of await fuzzedPayloads(source, FUZZED)) {
      outcomes.push(await verifier.outcome(token));
    }

    const counts = tally(outcomes);
    expect(Object.keys(counts).toSorted()).toEqual(['401 invalid_token', 'accepted']);
    expect(counts['accepted']).toBeGreaterThan(FUZZED / 100);
    expect(counts['401 invalid_token']).toBeGreaterThan(FUZZED / 100);
  });

  it('JV-9: holds odd claims against scopes, roles and claims without another kind of error', async () => {
    const { clock, provider, verifier } = await startVerifier({
      provider: { algorithms: ['EdDSA'] },
    });
    const source = { ...provider.vectorSource, now: () => clock.now() };
    const rules = [
      { scopes: 'myscope' },
      { roles: 'admins' },
      { claims: { 'realm_access.roles': ['admins'], 'email.a': 'x', length: 1 } },
    ];

    const outcomes: string[] = [];
    for (const token of await fuzzedPayloads(source, 1000, 2)) {
      for (const rule of rules) outcomes.push(await verifier.outcome(token, rule));
    }

    const known = ['accepted', '401 invalid_token', '403 insufficient_scope'];
    expect(Object.keys(tally(outcomes)).filter((outcome) => !known.includes(outcome))).toEqual([]);
  });

  it('JV-9: hands out mistyped claims of a user as if they were absent', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken({
      preferred_username: { toString: 'alice' },
      email: ['alice@example.org'],
      email_verified: 'no', // a text, and so true to a careless handler
      name: 1,
      scope: { myscope: true },
    });

    const claims = await verifier.verify(token);

    for (const name of ['preferred_username', 'email', 'email_verified', 'name', 'scope']) {
      expect(claims).not.toHaveProperty(name);
    }
  });

  it('JV-9: goes by the last of two claims of the same name, in every check and for the handler', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const exp = Math.floor(clock.now().getTime() / 1000) + 300;
    const { kid } = provider.signingKey;
    const issuedTwice = (first: string, last: string): string =>
      compactJws(
        { alg: 'RS256', kid },
        `{"iss":"${first}","aud":"my-aud","sub":"s","exp":${exp},"iss":"${last}"}`,
        keySigner(provider.signingKey),
      );

    const claims = await verifier.verify(issuedTwice('https://evil.example', provider.issuer));
    const outcome = await verifier.outcome(issuedTwice(provider.issuer, 'https://evil.example'));

    expect(claims.iss).toBe(provider.issuer);
    expect(outcome).toBe('401 invalid_token');
  });
});
