import { describe, expect, it } from 'vitest';

import { type SessionInstance, startSessionInstance } from '../../support/session-instance.js';

const OURS = /^[0-9a-f]{32}\./;

/** What scope a caller may ask for; the session has `openid profile`. */
const scopes = [undefined, 'openid', 'openid admin', 'admin', ' '];

interface Refreshed {
  readonly instance: SessionInstance;
  readonly id: string;
  readonly replaced: string;
  readonly current: string;
}

/** A session that was refreshed some seconds ago. */
async function refreshed(secondsAgo: number): Promise<Refreshed> {
  const instance = await startSessionInstance();
  const { id, refreshToken: replaced } = await instance.logIn();
  const current = await instance.refresh(replaced);
  instance.clock.advance(secondsAgo);
  return { instance, id, replaced, current };
}

describe('a refresh token', () => {
  it.each(scopes)(
    'RF-2: used again ends the session, whatever scope is asked for (%j)',
    async (scope) => {
      const { instance, id, replaced, current } = await refreshed(31);
      const alarms = instance.record('refresh-token-reused');

      expect(await instance.refresh(replaced, scope)).toBe('400 invalid_grant');

      expect(alarms).toHaveLength(1);
      expect(await instance.stored(id)).toBeUndefined();
      expect(await instance.refresh(current, scope)).toBe('400 invalid_grant');
    },
  );

  it.each([
    ['current', 31, 'current'],
    ['in its grace time', 29, 'replaced'],
  ] as const)(
    'RF-7: that is %s gives no scope that the session lacks, and no alarm',
    async (_, seconds, which) => {
      const session = await refreshed(seconds);
      const { instance, id } = session;
      const alarms = instance.record('refresh-token-reused');
      const calls = instance.upstream.presented.length;

      expect(await instance.refresh(session[which], 'openid admin')).toBe('400 invalid_scope');

      expect(instance.upstream.presented).toHaveLength(calls);
      expect(alarms).toEqual([]);
      expect(await instance.stored(id)).toBe('provider-refresh-2');
      expect(await instance.refresh(session[which], 'openid')).toMatch(OURS);
    },
  );

  it('RF-7: gives everybody what they ask for by themselves, also when they ask at once', async () => {
    const instance = await startSessionInstance();
    const { refreshToken } = await instance.logIn();

    const [wider, usual, narrow] = await Promise.all(
      ['openid admin', undefined, 'openid'].map((scope) => instance.refresh(refreshToken, scope)),
    );

    expect(wider).toBe('400 invalid_scope');
    expect(usual).toMatch(OURS);
    expect(narrow).toBe(usual);
    expect(instance.upstream.presented).toEqual(['provider-refresh-1']);
  });

  it('RF-1: of the current generation that was never given out is refused, and is no alarm', async () => {
    const { instance, id, current } = await refreshed(1);
    const alarms = instance.record('refresh-token-reused');

    for (const generation of [2, 3, 4_000_000_000]) {
      const { token } = instance.tokens.issue(id, generation);
      expect(await instance.refresh(token)).toBe('400 invalid_grant');
    }

    expect(instance.upstream.presented).toHaveLength(1);
    expect(alarms).toEqual([]);
    expect(await instance.refresh(current)).toMatch(OURS);
  });

  it.each([
    ['five seconds', 5],
    ['ten seconds', 10],
  ])(
    'fault 13: repeated at an instance whose clock is %s behind gets its successor',
    async (_, seconds) => {
      const { instance, replaced, current } = await refreshed(0);
      instance.clock.set(new Date(instance.clock.now().getTime() - seconds * 1000));

      expect(await instance.refresh(replaced)).toBe(current);
    },
  );

  it.each([20, 3600, 86_400])(
    'fault 13: used again counts as reuse also when the clock was set back %i s',
    async (seconds) => {
      const { instance, id, replaced } = await refreshed(31);
      instance.clock.set(new Date(instance.clock.now().getTime() - (seconds + 31) * 1000));
      const alarms = instance.record('refresh-token-reused');

      expect(await instance.refresh(replaced)).toBe('400 invalid_grant');

      expect(alarms).toHaveLength(1);
      expect(await instance.stored(id)).toBeUndefined();
    },
  );

  it('RF-2: has no grace time where there is none, also of another instance whose clock is ahead', async () => {
    const { instance: one, replaced } = await refreshed(0);
    const { store, clock, upstream } = one;
    const shared = { store, clock, upstream };
    const other = await startSessionInstance({ ...shared, broker: { refreshGraceSec: 0 } });
    clock.set(new Date(clock.now().getTime() - 1000));

    expect(await other.refresh(replaced)).toBe('400 invalid_grant');
  });
});
