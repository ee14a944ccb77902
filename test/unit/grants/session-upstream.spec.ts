import { describe, expect, it } from 'vitest';

import type { SessionContent } from '../../../lib/broker/session-content.js';
import { providerUserHash } from '../../../lib/broker/sessions.js';
import type { RenewedTokens } from '../../../lib/broker/upstream-tokens.js';
import { Deadline } from '../../../lib/clock/deadline.js';
import { SessionUpstream } from '../../../lib/grants/session-upstream.js';
import { MintedSubjects } from '../../../lib/grants/minted-subjects.js';
import { UserClaimsCollector } from '../../../lib/grants/user-claims-collector.js';
import { aSession } from '../../store/a-session.js';
import { hang } from '../../support/faults.js';
import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';
import { testKey } from '../../support/signing-keys.js';
import { alice } from '../../support/users.js';
import { startVerifier, type VerifierWithProvider } from '../../support/verifier.js';

const SHORT_MS = 400;

/** What a session of alice remembers, before a refresh. */
function contentOf(provider: MisbehavingProvider): SessionContent {
  return {
    provider: {
      accessToken: undefined,
      accessExpiresAt: undefined,
      refreshToken: provider.grantRefreshToken(),
      refreshExpiresAt: undefined,
      idToken: undefined,
    },
    providerSubject: alice.sub,
    claims: { sub: alice.sub, roles: ['of-before'] },
    profile: { name: 'of before' },
    scope: 'openid profile',
    refreshToken: undefined,
  };
}

interface Upstream extends VerifierWithProvider {
  readonly renew: (deadline?: Deadline) => Promise<RenewedTokens>;
}

async function startUpstream(): Promise<Upstream> {
  const started = await startVerifier({
    provider: { algorithms: ['ES256'] },
    options: {
      publicUrl: 'https://app.example.org',
      timeoutMs: 60_000, // longer than a test may take
      broker: { audience: 'myapp-api', store: 'memory://' },
    },
  });
  const { provider, verifier, clock } = started;
  const collector = new UserClaimsCollector(
    verifier.options,
    verifier.provider,
    clock,
    new MintedSubjects(verifier.options, verifier.provider),
    verifier.events,
  );
  const upstream = new SessionUpstream(verifier.provider, collector, verifier.events);
  const content = contentOf(provider);
  const user = { iss: provider.issuer, sub: alice.sub };
  const session = aSession({ providerSubjectHash: providerUserHash(user) });
  const renew = (deadline = new Deadline(clock, 10_000)) =>
    upstream.renew(session, content, deadline);
  return { ...started, renew };
}

const refreshesAt = (provider: MisbehavingProvider) =>
  provider.requestsTo('token').map(({ body }) => body['grant_type']);

describe('a refresh at the provider under the deadline of its lease', () => {
  it('RF-4: ends by it, also where "timeoutMs" is longer', async () => {
    const { provider, clock, renew } = await startUpstream();
    provider.behaviour.faults.token = hang();

    await expect(renew(new Deadline(clock, SHORT_MS))).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });

    expect(refreshesAt(provider)).toEqual(['refresh_token']);
  });

  it('RF-4: is not begun in the second half of it', async () => {
    const { provider, clock, renew } = await startUpstream();
    const deadline = new Deadline(clock, 10_000);
    clock.advance(5.1);

    await expect(renew(deadline)).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(refreshesAt(provider)).toEqual([]);
  });

  it('RF-4: is not begun when metadata and keys took too long', async () => {
    const { provider, clock, renew } = await startUpstream();
    provider.behaviour.jwks = (keys) => {
      clock.advance(6);
      return keys;
    };

    await expect(renew()).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(refreshesAt(provider)).toEqual([]);
  });

  it('RF-6: keeps the new tokens with the claims of before when these take too long, and tells', async () => {
    const { provider, clock, verifier, renew } = await startUpstream();
    const events = verifier.record('claims-not-renewed');
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.tokenResponse = ({ id_token: _idToken, ...body }) => body;
    provider.behaviour.faults.userinfo = hang();

    const renewed = await renew(new Deadline(clock, SHORT_MS));

    expect(provider.refreshTokenState(renewed.provider.refreshToken ?? '')).toBe('live');
    expect(renewed.claims).toMatchObject({ sub: alice.sub, roles: ['of-before'] });
    expect(events).toHaveLength(1);
  });

  it('RF-5: keeps the new tokens when the key of their ID token cannot be had in time', async () => {
    const { provider, clock, verifier, renew } = await startUpstream();
    await verifier.provider.prepare();
    provider.behaviour.faults.jwks = hang();
    provider.signingKey = await testKey('ES256', 'next');

    const renewed = await renew(new Deadline(clock, SHORT_MS));

    expect(provider.refreshTokenState(renewed.provider.refreshToken ?? '')).toBe('live');
    expect(renewed.provider.idToken).toBeUndefined();
    expect(renewed.claims).toMatchObject({ sub: alice.sub });
  });

  it('RF-7: takes no tokens of somebody else, also when the key of their ID token cannot be had', async () => {
    const { provider, clock, verifier, renew } = await startUpstream();
    await verifier.provider.prepare();
    provider.behaviour.faults.jwks = hang();
    provider.signingKey = await testKey('ES256', 'next');
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, sub: 'somebody-else' });

    await expect(renew(new Deadline(clock, SHORT_MS))).rejects.toMatchObject({
      reason: 'subject-changed',
    });
  });
});
