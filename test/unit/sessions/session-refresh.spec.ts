import { describe, expect, it } from 'vitest';

import { unavailable } from '../../../lib/errors/oauth.error.js';
import type { ProviderTokens, SessionContent } from '../../../lib/sessions/session-content.js';
import { counting, failing, lockRows, spying } from '../../support/intercept-store.js';
import {
  type SessionInstance,
  startSessionInstance,
  startSessionInstances,
} from '../../support/session-instance.js';

const OURS = /^[0-9a-f]{32}\./;
const UNKNOWN = '0'.repeat(32);

/** A session whose provider gave these tokens; with `claimsAt` it is a browser's. */
async function loggedIn(
  instance: SessionInstance,
  changed: Partial<ProviderTokens>,
  more: Pick<SessionContent, 'claimsAt'> = {},
) {
  const provider = { ...instance.upstream.next(instance.clock), ...changed };
  const content = {
    provider,
    providerSubject: 'sub-alice',
    claims: { sub: 'alice' },
    profile: {},
    said: {},
    scope: 'openid',
    ...more,
  };
  return instance.logIn({ content });
}

describe('a refresh', () => {
  it('RF-1: by what is no token of ours, or of no session, asks nobody', async () => {
    const instance = await startSessionInstance();
    const { refreshToken } = await instance.logIn();
    const foreign = instance.tokens.issue(UNKNOWN, 1).token;

    for (const token of ['', 'nonsense', `${refreshToken}x`, foreign]) {
      expect(await instance.refresh(token)).toBe('400 invalid_grant');
    }
    expect(instance.upstream.presented).toEqual([]);
  });

  it('asks the store four things, in order', async () => {
    const instance = await startSessionInstance();
    const { refreshToken } = await instance.logIn();
    const asked = spying(instance.store);

    await instance.refresh(refreshToken);

    expect(asked).toEqual(['findSession', 'takeLease', 'findSession', 'rotateSession']);
  });

  it('RF-3: by many at once in one process is one, for each scope', async () => {
    const instance = await startSessionInstance();
    const { refreshToken } = await instance.logIn();
    const leases = counting(instance.store, 'takeLease');

    const all = await Promise.all(Array.from({ length: 3 }, () => instance.refresh(refreshToken)));
    expect(new Set(all).size).toBe(1);
    expect(leases.times).toBe(1);
    expect(
      await Promise.all(
        [undefined, 'undefined'].map((scope) => instance.refresh(all[0] ?? '', scope)),
      ),
    ).toEqual([expect.stringMatching(OURS), '400 invalid_scope']);
  });

  it('RF-3: of whoever waited for another instance gives its successor without a grace time', async () => {
    const { one, other } = await startSessionInstances({ broker: { refreshGraceSec: 0 } });
    const { refreshToken } = await one.logIn();
    const alarms = [one, other].map((each) => each.record('refresh-token-reused'));

    const [mine, theirs] = await Promise.all([
      one.refresh(refreshToken),
      other.refresh(refreshToken),
    ]);

    expect(mine).toMatch(OURS);
    expect(theirs).toBe(mine);
    expect(alarms).toEqual([[], []]);
    expect(one.upstream.presented).toEqual(['provider-refresh-1']);
  });

  it('RF-3: by a replaced token goes by its own age, not by that of one before it', async () => {
    const instance = await startSessionInstance();
    const { refreshToken: first } = await instance.logIn();
    const second = await instance.refresh(first);
    instance.clock.advance(20);
    const third = await instance.refresh(second);
    instance.clock.advance(11);

    expect(await instance.refresh(second)).toBe(third);
    expect(await instance.refresh(first)).toBe('400 invalid_grant');
  });

  it('RF-2: by one that is no longer remembered is reuse', async () => {
    const instance = await startSessionInstance();
    const { id, refreshToken: first } = await instance.logIn();
    const second = await instance.refresh(first);
    instance.clock.advance(31);
    await instance.refresh(second);
    const alarms = instance.record('refresh-token-reused');

    expect((await instance.sessions.find(id))?.replaced).toHaveLength(1);
    expect(await instance.refresh(first)).toBe('400 invalid_grant');
    expect(alarms).toHaveLength(1);
  });

  it('RF-3: remembers the last hundred that were replaced', async () => {
    const instance = await startSessionInstance();
    const { refreshToken } = await instance.logIn();
    const given = [refreshToken];
    for (let at = 0; at < 101; at += 1) given.push(await instance.refresh(given[at] ?? ''));

    expect(await instance.refresh(given[1] ?? '')).toBe(given.at(-1));
    expect(await instance.refresh(given[0] ?? '')).toBe('400 invalid_grant');
  });

  it('RF-3: gives the same successor after a renewal for the host', async () => {
    const instance = await startSessionInstance({ broker: { refreshGraceSec: 300 } });
    const { id, refreshToken } = await instance.logIn();
    const successor = await instance.refresh(refreshToken);
    instance.clock.advance(290);

    expect(await instance.providerToken(id)).toBe('provider-access-3');
    expect(await instance.refresh(refreshToken)).toBe(successor);
  });

  it('KM-5: of a session that cannot be decrypted is refused, and told', async () => {
    const instance = await startSessionInstance();
    const { id, refreshToken } = await instance.logIn();
    const told = instance.record('undecryptable');
    lockRows(instance.store, Infinity);

    expect(await instance.refresh(refreshToken)).toBe('400 invalid_grant');
    expect(await instance.providerToken(id)).toBe('400 invalid_grant');
    const once = { provider: 'default', what: 'session' };
    expect(told).toEqual([once, once]);
  });

  it.each([true, false])(
    'fault 10: goes on where the answer to its lease was lost (heard: %s)',
    async (heard) => {
      const instance = await startSessionInstance();
      const { refreshToken } = await instance.logIn();
      failing(instance.store, 'takeLease', { heard });

      expect(await instance.refresh(refreshToken)).toMatch(OURS);
      expect(instance.upstream.presented).toHaveLength(1);
    },
  );

  it('RF-5: is not begun while the provider cannot be asked', async () => {
    const instance = await startSessionInstance();
    const { refreshToken } = await instance.logIn();
    const leases = counting(instance.store, 'takeLease');
    instance.upstream.prepare = () => Promise.reject(unavailable('the provider'));

    expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');
    expect(leases.times).toBe(0);
  });
});

describe('the access token of the provider', () => {
  it.each<[what: string, changed: (now: number) => Partial<ProviderTokens>, token: string]>([
    ['lives long enough', (now) => ({ accessExpiresAt: now + 30.5 }), 'provider-access-1'],
    ['is about to end', (now) => ({ accessExpiresAt: now + 30 }), 'provider-access-3'],
    ['has no known end', () => ({ accessExpiresAt: undefined }), 'provider-access-3'],
    ['was too large to keep', () => ({ accessToken: undefined }), 'provider-access-3'],
    [
      'is about to end, and cannot be renewed',
      (now) => ({ accessExpiresAt: now + 0.5, refreshToken: undefined }),
      'provider-access-1',
    ],
    [
      'has ended, and cannot be renewed',
      (now) => ({ accessExpiresAt: now, refreshToken: undefined }),
      '400 invalid_grant',
    ],
    [
      'is not there, and cannot be had',
      () => ({ accessToken: undefined, refreshToken: undefined }),
      '400 invalid_grant',
    ],
  ])('RF-4: that %s', async (_what, changed, token) => {
    const instance = await startSessionInstance();
    const now = instance.clock.now().getTime() / 1000;
    const { id } = await loggedIn(instance, changed(now));

    expect(await instance.providerToken(id)).toBe(token);
    expect(instance.upstream.presented).toHaveLength(token === 'provider-access-3' ? 1 : 0);
  });

  it('RF-4: that the provider does not give is 502', async () => {
    const instance = await startSessionInstance();
    const { id } = await loggedIn(instance, { accessToken: undefined });
    const renew = instance.upstream.renew.bind(instance.upstream);
    instance.upstream.renew = async (...call) => {
      const renewed = await renew(...call);
      return { ...renewed, provider: { ...renewed.provider, accessToken: undefined } };
    };

    expect(await instance.providerToken(id)).toBe('502 server_error');
  });

  it('RF-4: of no session is refused', async () => {
    const instance = await startSessionInstance();

    expect(await instance.providerToken(UNKNOWN)).toBe('400 invalid_grant');
  });
});

it('BS-9: a renewal notes when the claims of a browser’s session were said, and of no other', async () => {
  const instance = await startSessionInstance();
  const nowSec = (): number => Math.floor(instance.clock.now().getTime() / 1000);
  const browsers = await loggedIn(instance, {}, { claimsAt: nowSec() });
  const other = await loggedIn(instance, {});
  instance.clock.advance(290);

  for (const { id } of [browsers, other]) await instance.providerToken(id);

  const claimsAt = async (id: string) => (await instance.sessions.findOpen(id))?.content.claimsAt;
  expect(await claimsAt(browsers.id)).toBe(nowSec());
  expect(await claimsAt(other.id)).toBeUndefined();
});
