import { describe, expect, it } from 'vitest';

import { SessionEnd } from '../../../lib/sessions/upstream-tokens.js';
import { OAuthError, invalidGrant, unavailable } from '../../../lib/errors/oauth.error.js';
import type { SessionEndReason } from '../../../lib/events/oidc-events.js';
import { failing, intercept } from '../../support/intercept-store.js';
import { PacedClock } from '../../support/paced-clock.js';
import {
  type SessionInstance,
  startSessionInstance,
  startSessionInstances,
} from '../../support/session-instance.js';

/** Seconds of a lease of the default `timeoutMs`. */
const LEASE_SEC = 15;

/** Lets something happen while the provider works on the next renewal. */
function duringCall({ upstream }: SessionInstance, work: () => unknown): void {
  const renew = upstream.renew.bind(upstream);
  upstream.renew = async (...call) => {
    upstream.renew = renew;
    const renewed = await renew(...call);
    await work();
    return renewed;
  };
}

/** A refresh whose commit fails until its lease is over; gives the events of that. */
async function giveUp(instance: SessionInstance, refreshToken: string) {
  duringCall(instance, () => {
    const down = async () => {
      instance.clock.advance(6);
      throw new Error('the connection was lost');
    };
    intercept(instance.store, 'rotateSession', down, 4);
  });
  const alarms = instance.record('renewal-lost');
  expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');
  return alarms;
}

describe('the end of a session by a refresh', () => {
  const ends: readonly [reason: SessionEndReason, refusal: OAuthError][] = [
    ['provider-ended-it', invalidGrant('the provider says so')],
    ['subject-changed', invalidGrant('somebody else')],
    ['claims-no-longer-allowed', new OAuthError('insufficient_scope', 'not allowed here')],
  ];

  it.each(ends)('RF-4: (%s) is for whoever holds the lease', async (reason, refusal) => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    const ended = one.record('session-ended');
    let successor = '';
    const renew = one.upstream.renew.bind(one.upstream);
    one.upstream.renew = async () => {
      one.upstream.renew = renew;
      one.clock.advance(LEASE_SEC + 1); // frozen
      successor = await other.refresh(refreshToken);
      throw new SessionEnd(reason, refusal, one.upstream.next(one.clock));
    };

    expect(await one.refresh(refreshToken)).toBe(successor);

    expect(await one.stored(id)).toBe('provider-refresh-2');
    expect(one.upstream.revoked).toEqual([]);
    expect(ended).toEqual([]);
    expect(await one.refresh(successor)).toMatch(/^[0-9a-f]{32}\./);
  });

  it.each(ends)(
    'RF-5: (%s) under its lease is final, and gives back the newest tokens',
    async (reason, refusal) => {
      const instance = await startSessionInstance();
      const { id, refreshToken } = await instance.logIn();
      const ended = instance.record('session-ended');
      instance.upstream.renew = async () => {
        throw new SessionEnd(reason, refusal, instance.upstream.next(instance.clock));
      };

      const refused = `${refusal.getStatus()} ${refusal.error}`;
      expect(await instance.refresh(refreshToken)).toBe(refused);

      expect(await instance.stored(id)).toBeUndefined();
      expect(instance.upstream.revoked).toEqual(['provider-refresh-2']);
      expect(ended).toEqual([expect.objectContaining({ reason })]);
      expect(await instance.refresh(refreshToken)).toBe('400 invalid_grant');
    },
  );
});

it('LO-2: the end of a session by a refresh is no news where it ended meanwhile', async () => {
  const { one, other } = await startSessionInstances();
  const { id, refreshToken } = await one.logIn();
  one.upstream.renew = async () => {
    const session = await other.sessions.find(id);
    if (session) await other.sessions.end(session, 'logout');
    throw new SessionEnd('provider-ended-it', invalidGrant('the provider says so'));
  };
  const ended = one.record('session-ended');

  expect(await one.refresh(refreshToken)).toBe('400 invalid_grant');

  expect(ended).toEqual([]);
});

describe('the content that a refresh works on', () => {
  it('RF-4: is read under the lease, also after a renewal that gave out no refresh token', async () => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    one.clock.advance(290); // of the 300 seconds that the access token lives
    intercept(one.store, 'takeLease', async (usual) => {
      expect(await other.providerToken(id)).toBe('provider-access-2');
      return usual();
    });

    const successor = await one.refresh(refreshToken);

    expect(one.upstream.presented).toEqual(['provider-refresh-1', 'provider-refresh-2']);
    expect(await one.stored(id)).toBe('provider-refresh-3');
    expect(await other.refresh(successor)).toMatch(/^[0-9a-f]{32}\./);
  });

  it('RF-4: is read under the lease when the host asks for a token that a refresh has renewed', async () => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    one.clock.advance(290);
    intercept(one.store, 'takeLease', async (usual) => {
      await other.refresh(refreshToken);
      return usual();
    });

    expect(await one.providerToken(id)).toBe('provider-access-2');

    expect(one.upstream.presented).toEqual(['provider-refresh-1']);
  });

  it('RF-4: is renewed once when two instances want a token of the provider at once', async () => {
    const { one, other } = await startSessionInstances();
    const { id } = await one.logIn();
    one.clock.advance(290);
    intercept(one.store, 'takeLease', async (usual) => {
      await other.providerToken(id);
      return usual();
    });

    expect(await one.providerToken(id)).toBe('provider-access-2');

    expect(one.upstream.presented).toEqual(['provider-refresh-1']);
  });
});

describe('the lease of a refresh', () => {
  it('RF-4: runs for "timeoutMs" and five seconds', async () => {
    const instance = await startSessionInstance({ options: { timeoutMs: 7000 } });
    const { id, refreshToken } = await instance.logIn();
    const begin = instance.clock.now().getTime();
    let until: Date | undefined;
    duringCall(instance, async () => {
      until = (await instance.sessions.find(id))?.leaseUntil;
    });

    await instance.refresh(refreshToken);

    expect(until?.getTime()).toBe(begin + 12_000);
    expect((await instance.sessions.find(id))?.leaseUntil).toBeUndefined();
  });

  it('RF-4: leaves the provider "timeoutMs" for all that is asked under it', async () => {
    const instance = await startSessionInstance({ options: { timeoutMs: 7000 } });
    const { refreshToken } = await instance.logIn();
    const left: number[] = [];
    intercept(instance.store, 'takeLease', async (usual) => {
      instance.clock.advance(3);
      return usual();
    });
    const renew = instance.upstream.renew.bind(instance.upstream);
    instance.upstream.renew = (...call) => {
      left.push(call[2].leftMs());
      return renew(...call);
    };

    await instance.refresh(refreshToken);

    expect(left).toEqual([4000]);
  });

  it.each([
    [
      'was granted late',
      (instance: SessionInstance, wait: () => void) =>
        intercept(instance.store, 'takeLease', async (usual) => {
          const taken = await usual();
          wait();
          return taken;
        }),
    ],
    [
      'was asked for late',
      (instance: SessionInstance, wait: () => void) =>
        intercept(instance.store, 'takeLease', async (usual) => {
          wait();
          return usual();
        }),
    ],
    [
      'is known late, because its answer was lost',
      (instance: SessionInstance, wait: () => void) =>
        intercept(instance.store, 'takeLease', async (usual) => {
          await usual();
          wait();
          throw new Error('the connection was lost');
        }),
    ],
  ])('RF-4: that %s is given back, and nothing is asked under it', async (_, delay) => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    let calls: number | undefined;
    const releaseLease = one.store.releaseLease.bind(one.store);
    one.store.releaseLease = async (...call) => {
      calls ??= one.upstream.presented.length;
      await releaseLease(...call);
    };
    delay(one, () => one.clock.advance(9));

    const successor = await one.refresh(refreshToken);

    expect(calls).toBe(0);
    expect(one.upstream.presented).toEqual(['provider-refresh-1']);
    expect(await one.stored(id)).toBe('provider-refresh-2');
    expect(await other.refresh(successor)).toMatch(/^[0-9a-f]{32}\./);
  });

  it('RF-4: is not taken for granted because an answer was lost', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    const { store, clock, upstream, sessions } = instance;
    const { id, refreshToken } = await instance.logIn();
    intercept(store, 'takeLease', async () => {
      const now = clock.now();
      const until = new Date(now.getTime() + LEASE_SEC * 1000);
      await store.takeLease(id, { leaseId: 'of another', until, now, generation: 1 });
      throw new Error('the connection was lost');
    });

    expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');

    expect(upstream.presented).toEqual([]);
    expect((await sessions.find(id))?.leaseId).toBe('of another');
  });

  it('RF-4: is given back when the row cannot be read under it', async () => {
    const instance = await startSessionInstance();
    const { id, refreshToken } = await instance.logIn();
    intercept(instance.store, 'takeLease', async (usual) => {
      const taken = await usual();
      failing(instance.store, 'findSession', { times: 2 });
      return taken;
    });

    expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');

    expect((await instance.sessions.find(id))?.leaseUntil).toBeUndefined();
    expect(instance.upstream.presented).toEqual([]);
  });

  it.each([0, 1])(
    'RF-5: is given back when the provider fails, also after %i lost requests',
    async (lost) => {
      const instance = await startSessionInstance();
      const { id, refreshToken } = await instance.logIn();
      const before = await instance.sessions.find(id);
      const renew = instance.upstream.renew.bind(instance.upstream);
      instance.upstream.renew = () => Promise.reject(unavailable('down'));
      failing(instance.store, 'releaseLease', { times: lost });

      expect(await instance.refresh(refreshToken)).toBe('503 temporarily_unavailable');

      expect(await instance.sessions.find(id)).toEqual(before);
      instance.upstream.renew = renew;
      expect(await instance.refresh(refreshToken)).toMatch(/^[0-9a-f]{32}\./);
    },
  );
});

describe('the commit of a refresh', () => {
  const outages: readonly [what: string, fails: number, heard: boolean][] = [
    ['fails once', 1, false],
    ['restarts for half a second', 4, false],
    ['loses its answer', 1, true],
    ['loses its answer and restarts', 4, true],
  ];

  it.each(outages)('fault 10: is repeated when the database %s', async (_, fails, heard) => {
    const instance = await startSessionInstance({
      clock: new PacedClock(),
      broker: { refreshGraceSec: 0 },
    });
    const { id, refreshToken } = await instance.logIn();
    duringCall(instance, () => {
      failing(instance.store, 'rotateSession', { times: fails - 1 });
      intercept(instance.store, 'rotateSession', async (usual) => {
        if (heard) await usual();
        instance.clock.advance(1); // behind the grace time
        throw new Error('the connection was lost');
      });
      failing(instance.store, 'findSession', { times: fails > 1 ? 1 : 0 });
    });
    const alarms = instance.record('renewal-lost');

    const successor = await instance.refresh(refreshToken);

    expect(await instance.stored(id)).toBe('provider-refresh-2');
    expect(instance.upstream.revoked).toEqual([]);
    expect(alarms).toEqual([]);
    expect(await instance.refresh(successor)).toMatch(/^[0-9a-f]{32}\./);
  });

  it('fault 9: that fails until the lease is over gives the new token back, and an event says so', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    const { refreshToken } = await instance.logIn();

    const alarms = await giveUp(instance, refreshToken);

    expect(instance.upstream.revoked).toEqual(['provider-refresh-2']);
    expect(alarms).toEqual([
      {
        provider: 'default',
        session: expect.stringMatching(/^\w{16}$/),
        reason: expect.any(String),
      },
    ]);
  });

  it('RF-5: that fails loses nothing where the provider keeps its refresh token', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    instance.upstream.rotates = false;
    const { refreshToken } = await instance.logIn();

    await giveUp(instance, refreshToken);

    expect(instance.upstream.revoked).toEqual([]);
    expect(await instance.refresh(refreshToken)).toMatch(/^[0-9a-f]{32}\./);
  });

  it('fault 18: after another one took the lease over is thrown away, and gives nothing back', async () => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    let successor = '';
    duringCall(one, async () => {
      one.clock.advance(LEASE_SEC + 1);
      successor = await other.refresh(refreshToken);
    });

    expect(await one.refresh(refreshToken)).toBe(successor);

    expect(one.upstream.revoked).toEqual([]);
    expect(await one.stored(id)).toBe('provider-refresh-3');
  });

  it('LO-2: of a session that ended meanwhile gives the fresh tokens back', async () => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    duringCall(one, async () => {
      const session = await other.sessions.find(id);
      if (session) await other.sessions.end(session, 'logout');
    });

    expect(await one.refresh(refreshToken)).toBe('400 invalid_grant');

    expect(one.upstream.revoked).toEqual(['provider-refresh-1', 'provider-refresh-2']);
  });

  it('LO-2: that lost its way to a session that ended meanwhile is not taken for done', async () => {
    const { one, other } = await startSessionInstances();
    const { id, refreshToken } = await one.logIn();
    intercept(one.store, 'rotateSession', async () => {
      const session = await other.sessions.find(id);
      if (session) await other.sessions.end(session, 'logout');
      throw new Error('the connection was lost');
    });

    expect(await one.refresh(refreshToken)).toBe('400 invalid_grant');

    expect(one.upstream.revoked).toEqual(['provider-refresh-1', 'provider-refresh-2']);
  });

  it('RF-5: of tokens too large to keep gives them back, and the lease', async () => {
    const instance = await startSessionInstance();
    const { id, refreshToken } = await instance.logIn();
    const renew = instance.upstream.renew.bind(instance.upstream);
    instance.upstream.renew = async (...call) => {
      const renewed = await renew(...call);
      return { ...renewed, claims: { sub: 'alice', huge: 'x'.repeat(60_000) } };
    };

    expect(await instance.refresh(refreshToken)).toBe('502 server_error');

    expect(instance.upstream.revoked).toEqual(['provider-refresh-2']);
    expect((await instance.sessions.find(id))?.leaseUntil).toBeUndefined();
  });
});
