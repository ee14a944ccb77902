import { describe, expect, it, vi } from 'vitest';

import type { BrokerSession } from '../../../lib/contract/broker-store.js';
import { OAuthError, unavailable } from '../../../lib/errors/oauth.error.js';
import { Reason } from '../../../lib/errors/reason.js';
import { OidcEvents } from '../../../lib/events/oidc-events.js';
import { BackchannelLogout } from '../../../lib/logout/backchannel-logout.js';
import { storedHash } from '../../../lib/sessions/refresh-tokens.js';
import { aSession } from '../../../lib/testing/store-contract/rows.js';
import { FakeClock } from '../../support/fake-clock.js';

const TOLERANCE_SEC = 5;

interface Held {
  readonly ofSession?: readonly BrokerSession[];
  readonly ofUser?: readonly BrokerSession[];
  /** `iat` of the ID token of the login. */
  readonly loginIat?: number;
  /** The minted `sub`, where the identity alone says it. */
  readonly minted?: string;
}

/** A receiver of logout tokens that are the claims themselves, and what it ends. */
function setUp({ ofSession = [], ofUser = [], loginIat, minted }: Held = {}) {
  const clock = new FakeClock(new Date('2026-05-04T10:00:00.000Z'));
  const nowSec = clock.now().getTime() / 1000;
  const provider = { name: 'default', readLogoutToken: async (text: string) => JSON.parse(text) };
  const ofProviderUser = vi.fn(async () => ofUser);
  const sessions = {
    ofProviderSession: async () => ofSession,
    ofProviderUser,
    open: async () => (loginIat === undefined ? undefined : { loginIat }),
  };
  const ended: string[] = [];
  const endEach = async (list: () => Promise<BrokerSession[]>, reason: string) => {
    ended.push(...(await list()).map(({ id }) => `${id} ${reason}`));
  };
  const revokeSubject = vi.fn(async () => undefined);
  const events = new OidcEvents(clock);
  const told: unknown[] = [];
  for (const name of ['logout', 'logout-token-refused'] as const) {
    events.on(name, (event) => void told.push([name, event]));
  }
  const ofLogoutToken = vi.fn(async () => provider);
  const made = new BackchannelLogout(
    Object({ ofLogoutToken }),
    Object(sessions),
    Object({ endEach }),
    Object({ revokeSubject }),
    Object({ ofIdentity: async () => minted }),
    events,
    clock,
    Object({ clockToleranceSec: TOLERANCE_SEC }),
  );
  let count = 0;
  /** `ended`, or status and code. */
  const end = async (claims: object = {}): Promise<string> => {
    count += 1;
    const usual = { iss: 'https://idp', jti: `${count}`, iat: nowSec, exp: nowSec + 120 };
    try {
      await made.end(JSON.stringify({ ...usual, sub: 'alice', ...claims }));
      return 'ended';
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      return `${error.getStatus()} ${error.error}`;
    }
  };
  return {
    clock,
    nowSec,
    provider,
    ofLogoutToken,
    end,
    ended,
    revokeSubject,
    ofProviderUser,
    told,
  };
}

const REFUSED = '400 invalid_request';

const endOf = (...sessions: BrokerSession[]) => sessions.map(({ id }) => `${id} logout`);

describe('a logout token', () => {
  it('LO-5: counts once, by its jti, at its issuer and provider', async () => {
    const { end, provider } = setUp();
    const again = { jti: 'one' };

    expect([await end(again), await end(again), await end()]).toEqual(['ended', REFUSED, 'ended']);
    expect(await end({ ...again, iss: 'https://other-tenant' })).toBe('ended');
    provider.name = 'staff';
    expect([await end(again), await end(again)]).toEqual(['ended', REFUSED]);
  });

  it('LO-5: may come again when it could not be followed', async () => {
    const { end, ofProviderUser } = setUp();
    ofProviderUser.mockRejectedValueOnce(unavailable('down'));
    const again = { jti: 'one' };

    expect([await end(again), await end(again), await end(again)]).toEqual([
      REFUSED,
      'ended',
      REFUSED,
    ]);
  });

  it('LO-5: is remembered as long as it could count, with the tolerance', async () => {
    const { end, clock } = setUp();
    const again = { jti: 'one' };
    await end(again);

    clock.advance(120 + TOLERANCE_SEC - 1);
    expect(await end(again)).toBe(REFUSED);
    clock.advance(1);
    expect(await end(again)).toBe('ended');
  });

  it('DS-2: is one of 10,000 that are remembered; then the oldest goes', async () => {
    const { end } = setUp();
    for (let at = 0; at < 10_000; at += 1) await end({ jti: `old ${at}` });
    expect(await end({ jti: 'old 1' })).toBe(REFUSED);

    await end({ jti: 'one more' });

    expect(await end({ jti: 'old 9999' })).toBe(REFUSED);
    expect(await end({ jti: 'old 0' })).toBe('ended');
  });
});

const refused = (name: string, reason: string) => [
  'logout-token-refused',
  { provider: name, reason: expect.stringContaining(reason) },
];

describe('LO-5: who listens', () => {
  it('is told of what came, and why it was refused', async () => {
    const { end, told, provider, ofLogoutToken, ofProviderUser } = setUp();
    provider.name = 'staff';

    await end({ jti: 'one' });
    await end({ jti: 'one' });
    ofProviderUser.mockRejectedValueOnce(unavailable(new Reason('the store is away')));
    await end();
    ofLogoutToken.mockRejectedValueOnce(unavailable('no providers'));
    await end();

    expect(told).toEqual([
      ['logout', { provider: 'staff' }],
      refused('staff', 'seen before'),
      refused('staff', 'the store is away'),
      refused('default', 'no providers'),
    ]);
  });

  it('sees a fault as what it is', async () => {
    const { end, told, ofProviderUser } = setUp();
    ofProviderUser.mockRejectedValueOnce(new TypeError('a fault'));

    await expect(end()).rejects.toThrow(TypeError);
    expect(told).toEqual([]);
  });
});

describe('what a logout token ends', () => {
  const named = aSession({ createdAt: new Date(0) });
  const unnamed = aSession({ createdAt: new Date(0), providerSessionHash: undefined });
  const elsewhere = aSession({ createdAt: new Date(0), provider: 'staff' });
  const held = { ofSession: [named, elsewhere], ofUser: [named, unnamed, elsewhere] };

  it.each<[what: string, claims: object, ends: BrokerSession[], which: string]>([
    ['sub alone', { sid: undefined }, [named, unnamed], 'all'],
    ['sid alone', { sub: undefined, sid: 's' }, [named], 'without a session'],
    ['both', { sid: 's' }, [named, unnamed], 'without a session'],
  ])('LO-5: by %s', async (_, claims, ends, which) => {
    const { end, ended, revokeSubject } = setUp(held);

    await end(claims);

    expect(ended).toEqual(endOf(...ends));
    expect(revokeSubject.mock.calls).toEqual(ends.map((one) => [one.subjectHash, which]));
  });

  it('LO-5: are also tokens of a user without a session, where the identity says their name', async () => {
    const withSub = setUp({ minted: 'alice-here' });
    const withoutSub = setUp({ minted: 'alice-here' });

    await withSub.end();
    await withoutSub.end({ sub: undefined, sid: 's' });

    expect(withSub.revokeSubject.mock.calls).toEqual([[storedHash('alice-here'), 'all']]);
    expect(withoutSub.revokeSubject).not.toHaveBeenCalled();
  });

  it.each<[afterMs: number, loginAfterSec: number | undefined, ends: boolean]>([
    [6000, undefined, true], // the second of the logout, and the tolerance
    [6001, undefined, false],
    [6001, 0, true], // the provider's clock is behind ours
    [6001, 1, false],
    [3_600_000, -1, true],
  ])(
    'LO-5: is what began before: %i ms after it by our clock, %s s by that of the provider: %s',
    async (afterMs, loginAfterSec, ends) => {
      const nowMs = setUp().nowSec * 1000;
      const session = aSession({ createdAt: new Date(nowMs + afterMs) });
      const loginIat =
        loginAfterSec === undefined ? {} : { loginIat: nowMs / 1000 + loginAfterSec };
      const { end, ended } = setUp({ ofUser: [session], ...loginIat });

      await end();

      expect(ended).toEqual(ends ? endOf(session) : []);
    },
  );
});
