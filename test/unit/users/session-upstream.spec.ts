import { describe, expect, it } from 'vitest';

import { Deadline } from '../../../lib/clock/deadline.js';
import { hang } from '../../support/faults.js';
import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';
import { startSessionUpstream } from '../../support/session-upstream.js';
import { testKey } from '../../support/signing-keys.js';
import { alice } from '../../support/users.js';

const SHORT_MS = 400;

const refreshesAt = (provider: MisbehavingProvider) =>
  provider.requestsTo('token').map(({ body }) => body['grant_type']);

describe('a refresh at the provider under the deadline of its lease', () => {
  it('RF-4: ends by it, also where "timeoutMs" is longer', async () => {
    const { provider, clock, renew } = await startSessionUpstream();
    provider.behaviour.faults.token = hang();

    await expect(renew({}, new Deadline(clock, SHORT_MS))).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });

    expect(refreshesAt(provider)).toEqual(['refresh_token']);
  });

  it('RF-4: is not begun in the second half of it', async () => {
    const { provider, clock, renew } = await startSessionUpstream();
    const deadline = new Deadline(clock, 10_000);
    clock.advance(5.1);

    await expect(renew({}, deadline)).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(refreshesAt(provider)).toEqual([]);
  });

  it('RF-4: is not begun when metadata and keys took too long', async () => {
    const { provider, clock, renew } = await startSessionUpstream();
    provider.behaviour.jwks = (keys) => {
      clock.advance(6);
      return keys;
    };

    await expect(renew()).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(refreshesAt(provider)).toEqual([]);
  });

  it('RF-6: keeps the new tokens with the claims of before when these take too long, and tells', async () => {
    const { provider, clock, verifier, renew } = await startSessionUpstream();
    const events = verifier.record('claims-not-renewed');
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.tokenResponse = ({ id_token: _idToken, ...body }) => body;
    provider.behaviour.faults.userinfo = hang();

    const before = { claims: { sub: alice.sub, roles: ['of-before'] }, said: undefined };
    const renewed = await renew(before, new Deadline(clock, SHORT_MS));

    expect(provider.refreshTokenState(renewed.provider.refreshToken ?? '')).toBe('live');
    expect(renewed.claims).toMatchObject(before.claims);
    expect(events).toHaveLength(1);
  });

  it('RF-5: keeps the new tokens when the key of their ID token cannot be had in time', async () => {
    const { provider, clock, verifier, renew } = await startSessionUpstream();
    await verifier.provider.prepare();
    provider.behaviour.faults.jwks = hang();
    provider.signingKey = await testKey('ES256', 'next');

    const renewed = await renew({}, new Deadline(clock, SHORT_MS));

    expect(provider.refreshTokenState(renewed.provider.refreshToken ?? '')).toBe('live');
    expect(renewed.provider.idToken).toBeUndefined();
    expect(renewed.claims).toMatchObject({ sub: alice.sub });
  });

  it('RF-7: takes no tokens of somebody else, also when the key of their ID token cannot be had', async () => {
    const { provider, clock, verifier, renew } = await startSessionUpstream();
    await verifier.provider.prepare();
    provider.behaviour.faults.jwks = hang();
    provider.signingKey = await testKey('ES256', 'next');
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, sub: 'somebody-else' });

    await expect(renew({}, new Deadline(clock, SHORT_MS))).rejects.toMatchObject({
      reason: 'subject-changed',
    });
  });
});
