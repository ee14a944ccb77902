import { describe, expect, it } from 'vitest';

import { forgedTokens, startVerifier } from '../../support/verifier.js';
import { testKey, withKid } from '../../support/signing-keys.js';

const FURTHER = 'http://adfs.example.org/adfs/services/trust';

/** A verifier whose provider names a further issuer of its access tokens in its metadata; `<issuer>` stands for its own. */
async function startNaming(named: unknown, options: object = {}) {
  const started = await startVerifier({ options });
  const { issuer } = started.provider;
  const access_token_issuer = typeof named === 'string' ? named.replace('<issuer>', issuer) : named;
  started.provider.behaviour.metadata = (document) => ({ ...document, access_token_issuer });
  const outcome = (iss: string): Promise<string> =>
    started.verifier.outcome(started.provider.accessToken({ iss }));
  return { ...started, outcome };
}

describe('a further issuer of access tokens', () => {
  it('JV-6: is the one that the metadata names, from the first token on', async () => {
    const { provider, outcome } = await startNaming(FURTHER);

    expect(await outcome(FURTHER)).toBe('accepted');
    expect(await outcome(provider.issuer)).toBe('accepted');
  });

  it.each([
    ['http, elsewhere', FURTHER],
    ['http without a path', 'http://adfs.example.org'],
    ['on the host of the provider', '<issuer>/services/trust'],
  ])('JV-6: is looked up in metadata that nobody has read yet: %s', async (_kind, named) => {
    const { provider, outcome } = await startNaming(named);

    expect(await outcome(named.replace('<issuer>', provider.issuer))).toBe('accepted');
  });

  it('JV-6: of https elsewhere counts once the metadata is known, and by the option at once', async () => {
    const iss = 'https://elsewhere.example.org/trust';
    const named = await startNaming(iss);
    const listed = await startNaming(undefined, { accessTokenIssuers: [iss] });

    expect(await named.outcome(iss)).toBe('401 invalid_token');
    expect(named.provider.requests).toEqual([]);
    expect(await named.outcome(named.provider.issuer)).toBe('accepted');
    expect(await named.outcome(iss)).toBe('accepted');
    expect(await listed.outcome(iss)).toBe('accepted');
  });

  it.each([
    'urn:example:issuer',
    'accounts.example.org',
    'HTTP://ADFS.example.org/trust',
    'https://a.example/?x=y#z',
  ])('JV-6: may be any text by the option, and is compared exactly: %s', async (iss) => {
    const { outcome } = await startNaming(undefined, { accessTokenIssuers: ['other', iss] });

    expect(await outcome(iss)).toBe('accepted');
    for (const other of [
      `${iss}/`,
      ` ${iss}`,
      iss.toLowerCase() + iss.toUpperCase(),
      iss.slice(1),
    ]) {
      expect(await outcome(other)).toBe('401 invalid_token');
    }
  });

  it('JV-6: of the option replaces that of the metadata, and an empty list has none', async () => {
    const other = await startNaming(FURTHER, { accessTokenIssuers: ['http://other.example'] });
    const none = await startNaming(FURTHER, { accessTokenIssuers: [] });

    expect(await other.outcome('http://other.example')).toBe('accepted');
    for (const { outcome } of [other, none])
      expect(await outcome(FURTHER)).toBe('401 invalid_token');
    expect(none.provider.requests).toEqual([]);
  });

  it.each([[null], [''], [7], [[FURTHER]], [{ [FURTHER]: true }], [`${FURTHER}/`]])(
    'JV-6: is none where the metadata says %j',
    async (access_token_issuer) => {
      const { provider, outcome } = await startNaming(access_token_issuer);

      expect(await outcome(provider.issuer)).toBe('accepted');
      expect(await outcome(FURTHER)).toBe('401 invalid_token');
    },
  );

  it('JV-6: lends its name to no other key, and its address is asked by nobody', async () => {
    const asked: string[] = [];
    const fetch = (url: string, init: RequestInit) => {
      asked.push(new URL(url).hostname);
      return globalThis.fetch(url, init);
    };
    const { provider, verifier } = await startNaming(FURTHER, { fetch });
    const attacker = withKid(await testKey('RS256', 'attacker'), provider.signingKey.kid);

    const outcome = await verifier.outcome(provider.accessToken({ iss: FURTHER }, {}, attacker));
    for (const token of forgedTokens(provider, 3)) await verifier.outcome(token);

    expect(outcome).toBe('401 invalid_token');
    expect(new Set(asked)).toEqual(new Set(['127.0.0.1']));
  });

  it('CB-5: is no issuer of ID tokens', async () => {
    const { provider, verifier } = await startNaming(FURTHER);
    provider.behaviour.token = () => {
      const id_token = provider.idToken({ iss: FURTHER });
      return { status: 200, body: { access_token: 'opaque', token_type: 'Bearer', id_token } };
    };

    await expect(verifier.provider.refresh('any', undefined)).rejects.toMatchObject({
      error: 'server_error',
    });
  });

  it('JV-6: is read anew with the metadata', async () => {
    const { clock, provider, verifier, outcome } = await startNaming(FURTHER);
    expect(await outcome(FURTHER)).toBe('accepted');
    provider.behaviour.metadata = (document) => document;

    clock.advance(3601);
    await outcome(provider.issuer);
    await verifier.settled();

    expect(await outcome(FURTHER)).toBe('401 invalid_token');
  });
});
