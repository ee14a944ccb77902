import { describe, expect, it, vi } from 'vitest';

import { Deadline } from '../../../lib/clock/deadline.js';
import { OAuthError, invalidGrant, unavailable } from '../../../lib/errors/oauth.error.js';
import { OidcEvents } from '../../../lib/events/oidc-events.js';
import { OTHER_PARTIES, OTHER_SUBJECT } from '../../../lib/providers/other-parties.js';
import type { ProviderTokens, SessionContent } from '../../../lib/sessions/session-content.js';
import { providerUserHash } from '../../../lib/sessions/sessions.js';
import { SessionEnd } from '../../../lib/sessions/upstream-tokens.js';
import { aSession } from '../../../lib/testing/store-contract/rows.js';
import type { IdTokenClaims } from '../../../lib/tokens/id-token-claims.js';
import { SessionUpstream } from '../../../lib/users/session-upstream.js';
import { FakeClock } from '../../support/fake-clock.js';

const ISSUER = 'https://staff';
const alice = { iss: ISSUER, sub: 'sub-alice' };

const answer = {
  accessToken: 'access-2',
  expiresAt: 300,
  refreshToken: 'refresh-2',
  refreshExpiresAt: 9000,
  refreshExpiryStated: true,
  scope: 'openid',
  idToken: 'id-2',
};
const tokens: ProviderTokens = {
  issuer: ISSUER,
  clientId: 'my-client',
  accessToken: 'access-1',
  accessExpiresAt: 300,
  refreshToken: 'refresh-1',
  refreshExpiresAt: undefined,
  idToken: 'id-1',
};
const content: SessionContent = {
  provider: tokens,
  providerSubject: alice.sub,
  claims: { sub: 'alice', roles: ['a', 'b'], tenant: 't' },
  profile: { name: 'Alice', given_name: 'Al' },
  said: {},
  scope: 'openid',
  refreshToken: undefined,
};
const session = aSession({ provider: 'staff', providerSubjectHash: providerUserHash(alice) });

/** The provider "staff", one of several unless it is alone, and what is known of users, as doubles that a test changes. */
function setUp({ several = true }: { several?: boolean } = {}) {
  const clock = new FakeClock();
  const events = new OidcEvents(clock);
  const told: string[] = [];
  for (const name of ['refresh', 'claims-not-renewed'] as const) {
    events.on(name, () => void told.push(name));
  }
  const provider = {
    name: 'staff',
    options: { clientId: 'my-client', tenants: [], expectedIssuers: [ISSUER] },
    prepare: vi.fn(async () => undefined),
    issuers: async () => ['https://another', ISSUER],
    refreshOf: vi.fn(async (): Promise<object> => answer),
    revoke: vi.fn(async (..._call: unknown[]) => undefined),
    limitedScope: (scope: string) => scope,
  };
  const named = (name: string) => (name === 'staff' ? provider : undefined);
  const providers = {
    several,
    peek: named,
    find: vi.fn(async (name: string) => named(name)),
    known: () => [{ name: 'other', options: { clientId: 'another' } }, provider],
    all: vi.fn(async () => [provider]),
  };
  const collector = {
    collect: vi.fn(async () => ({ said: { idToken: {} }, withdrawn: ['b'], incomplete: false })),
    checkDemands: vi.fn(() => undefined),
    toUserClaims: vi.fn(async () => ({ sub: 'alice', roles: ['new'] })),
    profileOf: () => ({ name: 'Alice Doe' }),
  };
  const isTaken = vi.fn(() => false);
  const upstream = new SessionUpstream(
    Object(providers),
    Object({ of: () => collector }),
    Object({ isTaken }),
    events,
    clock,
  );
  const renew = (changed: Partial<SessionContent> = {}, of = session) =>
    upstream.renew(of, { ...content, ...changed }, new Deadline(clock, 10_000));
  return { upstream, providers, provider, collector, isTaken, renew, told, clock };
}

/** The reason why a session ended, or the code of an error that ends none; `done`. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof SessionEnd) return `ends: ${error.reason}, ${error.refusal.error}`;
    if (error instanceof OAuthError) return error.error;
    throw error;
  }
}

const gone = aSession({ provider: 'gone' });

describe('MP-4: a provider of sessions that is gone, or another one under its name', () => {
  it.each<[claims: Partial<IdTokenClaims> & object, several: boolean, taken: boolean, ok: boolean]>(
    [
      [{ idp: 'staff' }, true, false, true],
      [{ idp: 'staff', idp_iss: ISSUER, client_id: 'my-client' }, true, false, true],
      [{ idp: 'gone' }, true, false, false],
      [{}, true, false, false], // of "default", which is not there
      [{ idp: 'staff', idp_iss: 'https://before' }, true, false, false],
      [{ idp: 'staff', client_id: 'another' }, true, false, false],
      [{ idp: 'staff', idp_iss: 7, client_id: ['another'] }, true, false, true],
      [{ idp: 'staff' }, true, true, false],
      [{ idp: 'staff', idp_iss: 'https://before', client_id: 'another' }, false, true, true],
      [{ idp: 'gone' }, false, false, false],
    ],
  )('tokens of %j (several: %s, its subject taken: %s) count: %s', (claims, several, taken, ok) => {
    const { upstream, isTaken } = setUp({ several });
    isTaken.mockReturnValue(taken);

    expect(upstream.accepts({ iss: 'ours', sub: 'alice', exp: 1, ...claims })).toBe(ok);
  });

  it('has its sessions refused, until it comes back', async () => {
    const { upstream, renew, provider } = setUp();

    expect(await outcome(upstream.check(gone, content))).toBe('invalid_grant');
    expect(await outcome(upstream.prepare(gone))).toBe('invalid_grant');
    expect(await outcome(renew({}, gone))).toBe('invalid_grant');
    expect(await outcome(upstream.prepare(session))).toBe('done');
    expect(provider.prepare).toHaveBeenCalledTimes(1);
  });

  it('ends its sessions, or refuses those whose subject is of another one', async () => {
    const { upstream, renew, provider, isTaken } = setUp();
    const before = { provider: { ...tokens, issuer: 'https://before' } };

    expect(await outcome(upstream.check(session, content))).toBe('done');
    const ended = 'ends: issuer-changed, invalid_grant';
    expect(await outcome(upstream.check(session, { ...content, ...before }))).toBe(ended);
    expect(await outcome(renew(before))).toBe(ended);
    isTaken.mockReturnValue(true);
    expect(await outcome(upstream.check(session, content))).toBe('invalid_grant');
    expect(provider.refreshOf).not.toHaveBeenCalled();
  });

  it('is named by no client', () => {
    const { upstream } = setUp();

    expect(['staff', 'gone'].map((name) => upstream.clientIdAt(name))).toEqual(['my-client', '']);
  });

  it('is not known while none can be had', async () => {
    const { upstream, providers } = setUp();
    providers.all.mockRejectedValueOnce(unavailable('no providers'));

    await expect(upstream.ready()).rejects.toMatchObject({ status: 503 });
    await upstream.ready();
  });

  it.each<[name: string, changed: Partial<ProviderTokens>, call: unknown[] | undefined]>([
    ['staff', {}, ['refresh-1', 'refresh_token']],
    ['staff', { refreshToken: undefined }, ['access-1', 'access_token']],
    ['staff', { refreshToken: undefined, accessToken: undefined }, undefined],
    ['gone', {}, undefined],
    ['staff', { issuer: 'https://before' }, undefined],
    ['staff', { clientId: 'another' }, undefined],
  ])('gets no tokens back: %s, %j: %j', async (name, changed, call) => {
    const { upstream, provider } = setUp();

    await upstream.revoke(name, { ...tokens, ...changed });

    expect(provider.revoke.mock.calls).toEqual(call === undefined ? [] : [call]);
  });

  it('LO-2: is waited for no longer than three seconds, and fails nobody', async () => {
    const { upstream, provider, providers } = setUp();
    let isRevoked = false;
    provider.revoke.mockImplementationOnce(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      isRevoked = true;
    });

    await upstream.revoke('staff', tokens);
    expect(isRevoked).toBe(true);
    provider.revoke.mockRejectedValueOnce(unavailable('down'));
    await upstream.revoke('staff', tokens);
    providers.find.mockRejectedValueOnce(unavailable('no providers'));
    await upstream.revoke('staff', tokens);
  });
});

describe('a renewal of a session', () => {
  it('RF-6: has the provider’s new tokens, claims and names, and an event', async () => {
    const { renew, told } = setUp();

    expect(await renew()).toEqual({
      provider: {
        issuer: ISSUER,
        clientId: 'my-client',
        accessToken: 'access-2',
        accessExpiresAt: 300,
        refreshToken: 'refresh-2',
        refreshExpiresAt: 9000,
        idToken: 'id-2',
      },
      scope: 'openid',
      claims: { sub: 'alice', roles: ['new'] },
      profile: { name: 'Alice Doe', given_name: 'Al' },
      said: { idToken: {} },
    });
    expect(told).toEqual(['refresh']);
  });

  it('RF-6: keeps the ID token where no new one came, and no end that nobody stated', async () => {
    const { renew, provider } = setUp();
    provider.refreshOf.mockResolvedValueOnce({
      ...answer,
      idToken: undefined,
      refreshExpiryStated: false,
    });

    const renewed = await renew();

    expect(renewed.provider).toMatchObject({ idToken: 'id-1', refreshExpiresAt: undefined });
  });

  it.each<[what: string, refusal: OAuthError, outcome: string]>([
    ['ends the grant', invalidGrant('over'), 'ends: provider-ended-it, invalid_grant'],
    ['is down', unavailable('down'), 'temporarily_unavailable'],
    ...(
      [
        ['subject', 'subject-changed'],
        ['issuer', 'issuer-changed'],
        ['audience', 'audience-changed'],
      ] as const
    ).map(([party, reason]): [string, OAuthError, string] => [
      `names another ${party}`,
      new OAuthError('server_error', 'x', { cause: OTHER_PARTIES[party] }),
      `ends: ${reason}, invalid_grant`,
    ]),
  ])('RF-7: at a provider that %s', async (_, refusal, expected) => {
    const { renew, provider, told } = setUp();
    provider.refreshOf.mockRejectedValueOnce(refusal);

    expect(await outcome(renew())).toBe(expected);
    expect(told).toEqual([]);
  });

  it('is a fault where it fails of itself', async () => {
    const { renew, provider } = setUp();
    provider.refreshOf.mockRejectedValueOnce(new TypeError('a fault'));

    await expect(renew()).rejects.toThrow(TypeError);
  });

  it('RF-5: asks nobody without a refresh token, or of a user whose issuer is listed no more', async () => {
    const { renew, provider } = setUp();
    const other = { ...session, providerSubjectHash: providerUserHash({ ...alice, sub: 'bob' }) };

    const withoutOne = renew({ provider: { ...tokens, refreshToken: undefined } });

    expect(await outcome(withoutOne)).toBe('invalid_grant');
    expect(await outcome(renew({}, other))).toBe('invalid_grant');
    expect(provider.refreshOf).not.toHaveBeenCalled();
  });

  it.each<[what: string, error: OAuthError, outcome: string]>([
    [
      'no longer allow it',
      new OAuthError('insufficient_scope', 'x'),
      'ends: claims-no-longer-allowed, insufficient_scope',
    ],
    [
      'are of somebody else',
      new OAuthError('server_error', 'x', { cause: OTHER_SUBJECT }),
      'ends: subject-changed, invalid_grant',
    ],
    ['cannot be put together', new OAuthError('server_error', 'x'), 'server_error'],
  ])('RF-6: whose claims %s', async (_, error, expected) => {
    const { renew, collector } = setUp();
    collector.collect.mockRejectedValueOnce(error);

    expect(await outcome(renew())).toBe(expected);
  });

  it('RF-6: that may not go on ends with the tokens that are newest', async () => {
    const { renew, collector } = setUp();
    collector.checkDemands.mockImplementationOnce(() => {
      throw new OAuthError('insufficient_scope', 'x');
    });

    await expect(renew()).rejects.toMatchObject({
      reason: 'claims-no-longer-allowed',
      newest: { refreshToken: 'refresh-2' },
    });
  });

  it('RF-6: whose new claims fail has those of before, without roles that are gone, and tells once', async () => {
    const { renew, collector, told } = setUp();
    collector.toUserClaims.mockRejectedValueOnce(new TypeError('of the host'));

    expect((await renew()).claims).toEqual({ ...content.claims, roles: ['a'] });
    expect(told).toEqual(['refresh', 'claims-not-renewed']);

    collector.collect.mockResolvedValueOnce({
      said: { idToken: {} },
      withdrawn: [],
      incomplete: true,
    });
    collector.toUserClaims.mockRejectedValueOnce(new TypeError('of the host'));
    expect((await renew()).claims).toEqual(content.claims);
    expect(told).toEqual(['refresh', 'claims-not-renewed', 'refresh', 'claims-not-renewed']);
  });
});
