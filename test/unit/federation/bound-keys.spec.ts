import { describe, expect, it } from 'vitest';

import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { testKey, withKid } from '../../support/signing-keys.js';

/** Two peers whose keys have the same name. */
async function startNamesakes() {
  const clock = new FakeClock();
  const [keyOfA, keyOfB] = [await testKey('RS256', 'of A'), await testKey('RS256', 'of B')];
  const a = await startPeer(clock, { keys: [withKid(keyOfA, 'same')] });
  const b = await startPeer(clock, { keys: [withKid(keyOfB, 'same')] });
  const federation = await startFederation({ clock, trustedIssuers: [a.issuer, b.issuer] });
  return { a, b, federation };
}

describe('keys of trusted issuers', () => {
  it('FD-1: verify the tokens of two peers whose keys have one key id', async () => {
    const { a, b, federation } = await startNamesakes();

    expect((await federation.verify(a.accessToken())).iss).toBe(a.issuer);
    expect((await federation.verify(b.accessToken())).iss).toBe(b.issuer);
  });

  it('FD-1: verify nothing that names another issuer, whichever peer was asked first', async () => {
    for (const first of ['a', 'b'] as const) {
      const { a, b, federation } = await startNamesakes();
      const peers = { a, b };
      await federation.verify(peers[first].accessToken());

      expect(await federation.outcome(b.accessToken({ iss: a.issuer }))).toBe('401 invalid_token');
      expect(await federation.outcome(a.accessToken({ iss: b.issuer }))).toBe('401 invalid_token');
    }
  });

  it('FD-1: are asked for at the issuer that a token names, and nowhere else', async () => {
    const { a, b, federation } = await startNamesakes();

    await federation.outcome(b.accessToken({ iss: a.issuer }));
    await federation.outcome(b.accessToken({ iss: a.issuer }, { kid: 'known to B alone' }));

    expect(a.requestsTo('jwks').length).toBeGreaterThan(0);
    expect(a.requests).toHaveLength(a.requestsTo('jwks').length);
    expect(b.requests).toEqual([]);
  });

  it('FD-1: need a key id in the token, even when the peer has a single key', async () => {
    const { a, federation } = await startNamesakes();

    expect(await federation.outcome(a.accessToken({}, { kid: undefined }))).toBe(
      '401 invalid_token',
    );
  });

  it.each<[string, object]>([
    ['of another audience', { aud: 'other-api' }],
    ['of the audience of the identity provider', { aud: 'my-aud' }],
    ['without audience', { aud: undefined }],
    ['that has expired', { exp: 1 }],
    ['without subject', { sub: undefined }],
    ['that is an ID token', { nonce: 'n', typ: 'ID' }],
  ])('FD-1: do not save a token %s', async (_what, claims) => {
    const { a, federation } = await startNamesakes();

    expect(await federation.outcome(a.accessToken({ ...claims }))).toBe('401 invalid_token');
    expect(await federation.outcome(a.accessToken())).toBe('accepted');
  });
});
