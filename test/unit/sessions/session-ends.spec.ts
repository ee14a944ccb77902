import { describe, expect, it } from 'vitest';

import { failing, intercept } from '../../support/intercept-store.js';
import { PacedClock } from '../../support/paced-clock.js';
import { startSessionInstance, type SessionInstance } from '../../support/session-instance.js';

async function end(instance: SessionInstance, id: string): Promise<boolean> {
  const session = await instance.sessions.find(id);
  return session !== undefined && instance.sessions.end(session, 'logout');
}

describe('the end of a session', () => {
  const answers: readonly [what: string, failures: number, heard: boolean][] = [
    ['was lost', 1, true],
    ['was lost before a short outage', 3, true],
    ['was a failure', 1, false],
  ];

  it.each(answers)(
    'LO-2: whose first answer %s is told once, and as an end',
    async (_, times, heard) => {
      const instance = await startSessionInstance({ clock: new PacedClock() });
      const { id } = await instance.logIn();
      const ended = instance.record('session-ended');
      failing(instance.store, 'revokeSession', { times, heard });

      expect(await end(instance, id)).toBe(true);

      expect(instance.upstream.revoked).toEqual(['provider-refresh-1']);
      expect(ended).toHaveLength(1);
      expect(await instance.stored(id)).toBeUndefined();
      expect(await end(instance, id)).toBe(false);
      expect(ended).toHaveLength(1);
    },
  );

  it('LO-2: is one end, however many want it, and the tokens are given back once', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    const { id } = await instance.logIn();
    const ended = instance.record('session-ended');
    const session = await instance.sessions.find(id);
    if (session === undefined) throw new Error('It was written');

    const all = Array.from({ length: 5 }, () => instance.sessions.end(session, 'logout'));

    expect((await Promise.all(all)).filter(Boolean)).toHaveLength(1);
    expect(instance.upstream.revoked).toEqual(['provider-refresh-1']);
    expect(ended).toHaveLength(1);
  });

  it('LO-2: is no end where the store refuses it, and nothing is given back', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    const { id } = await instance.logIn();
    failing(instance.store, 'revokeSession', { times: Infinity });

    await expect(end(instance, id)).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(await instance.stored(id)).toBe('provider-refresh-1');
    expect(instance.upstream.revoked).toEqual([]);
  });

  it('LO-2: gives the tokens back where nobody can tell whether the store heard of it', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    const { id } = await instance.logIn();
    intercept(
      instance.store,
      'revokeSession',
      async (usual) => {
        await usual();
        failing(instance.store, 'findSession', { times: Infinity });
        throw new Error('the connection was lost');
      },
      Infinity,
    );

    await expect(end(instance, id)).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(instance.upstream.revoked).toEqual(['provider-refresh-1']);
  });
});

describe('the beginning of a session', () => {
  it('TK-3: whose answer was lost is a beginning', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    failing(instance.store, 'createSession', { heard: true });

    const { id } = await instance.logIn();

    expect(await instance.stored(id)).toBe('provider-refresh-1');
  });

  it('TK-3: is none for a login that has a session, also when that answer was lost', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    await instance.logIn({ loginId: 'one-login' });
    failing(instance.store, 'createSession', { heard: true });

    expect((await instance.logIn({ loginId: 'one-login' })).id).toBe('');
  });

  it('fault 17: that nobody heard of leaves no session behind', async () => {
    const instance = await startSessionInstance({ clock: new PacedClock() });
    failing(instance.store, 'createSession', { times: 2, heard: true });
    failing(instance.store, 'findSession', { times: 1 });

    await expect(instance.logIn()).rejects.toMatchObject({ error: 'temporarily_unavailable' });

    expect(await instance.sessions.ofSubject('alice')).toEqual([]);
  });
});
