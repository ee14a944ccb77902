import { describe, expect, it } from 'vitest';

import { failing, lockRows } from '../../support/intercept-store.js';
import { startSessionInstance, type SessionInstance } from '../../support/session-instance.js';

const ISSUER = 'https://idp.example.org';

async function sessionOf(instance: SessionInstance, id: string) {
  const session = await instance.sessions.find(id);
  if (session === undefined) throw new Error('It was written');
  return session;
}

function contentWith(provider: object, claims: object = {}) {
  return {
    provider: {
      accessToken: 'access',
      accessExpiresAt: undefined,
      refreshToken: 'refresh',
      refreshExpiresAt: undefined,
      idToken: undefined,
      ...provider,
    },
    providerSubject: 'sub-alice',
    claims: { sub: 'alice', ...claims },
    profile: {},
    said: {},
    scope: 'openid',
  };
}

describe('a session', () => {
  it('RF-6: ends with its limits, to the millisecond', async () => {
    const broker = { sessionLifetimeSec: 5000, sessionIdleSec: 2000 };
    const instance = await startSessionInstance({ broker });
    const began = instance.clock.now().getTime();
    const { id } = await instance.logIn();

    expect(await sessionOf(instance, id)).toMatchObject({
      createdAt: new Date(began),
      usedAt: new Date(began),
      endsAt: new Date(began + 5_000_000),
      expiresAt: new Date(began + 2_000_000),
      generation: 1,
      replaced: [],
    });
    const { sessions } = instance;
    const at = (seconds: number): Date => new Date(began + seconds * 1000);
    expect(sessions.idleEnd(at(2999), at(5000))).toEqual(at(4999));
    expect(sessions.idleEnd(at(3001), at(5000))).toEqual(at(5000));
  });

  it('RF-6: that cannot be refreshed has no refresh token, and lives to its end', async () => {
    const broker = { sessionLifetimeSec: 5000, sessionIdleSec: 2000 };
    const instance = await startSessionInstance({ broker });
    const content = contentWith({ refreshToken: undefined });
    const { id, refreshToken } = await instance.logIn({ content });
    const { refreshHash, expiresAt, endsAt } = await sessionOf(instance, id);

    expect([refreshToken, refreshHash]).toEqual(['', undefined]);
    expect(expiresAt).toEqual(endsAt);
  });

  it('DS-2: of more than a row holds is none', async () => {
    const instance = await startSessionInstance();
    const content = contentWith({}, { huge: 'x'.repeat(60_000) });

    await expect(instance.logIn({ content })).rejects.toMatchObject({ error: 'server_error' });
    expect(await instance.sessions.ofSubject('alice')).toEqual([]);
  });

  it('LO-3: is found by the session of the provider, of that issuer alone', async () => {
    const instance = await startSessionInstance();
    const { id } = await instance.logIn({ providerSession: 'sid-1' });
    const { id: other } = await instance.logIn();
    const idsOf = async (issuer: string, sid: string) =>
      (await instance.sessions.ofProviderSession(issuer, sid)).map((session) => session.id);

    expect(await idsOf(ISSUER, 'sid-1')).toEqual([id]);
    expect(await idsOf('https://other.example.org', 'sid-1')).toEqual([]);
    expect(await idsOf(ISSUER, 'undefined')).toEqual([]);
    expect((await sessionOf(instance, other)).providerSessionHash).toBeUndefined();
  });

  it('MP-3: is found by its user, of that issuer alone', async () => {
    const instance = await startSessionInstance();
    await instance.logIn();
    const { sessions } = instance;

    expect(await sessions.ofProviderUser({ iss: ISSUER, sub: 'sub-alice' })).toHaveLength(1);
    expect(await sessions.ofProviderUser({ iss: `${ISSUER}/`, sub: 'sub-alice' })).toEqual([]);
    expect(await sessions.ofProviderUser({ iss: ISSUER, sub: 'alice' })).toEqual([]);
    expect(await sessions.ofSubject('sub-alice')).toEqual([]);
  });

  it('fault 10: is listed and found also where a connection was lost', async () => {
    const instance = await startSessionInstance();
    const { id } = await instance.logIn();
    const told = instance.record('undecryptable');
    failing(instance.store, 'listSessions');
    failing(instance.store, 'findSession');

    expect(await instance.stored(id)).toBe('provider-refresh-1');
    expect(told).toEqual([]);

    expect(await instance.sessions.ofSubject('alice')).toHaveLength(1);
  });

  it.each([
    '',
    'x',
    'ABCDEF0123456789abcdef0123456789',
    '0'.repeat(33),
    `x${'0'.repeat(32)}`,
    `${'0'.repeat(32)}\n`,
  ])('ST-4: is not looked for by what is no id of ours: %j', async (id) => {
    const instance = await startSessionInstance();
    failing(instance.store, 'findSession', { times: Infinity });

    expect(await instance.sessions.find(id)).toBeUndefined();
    await expect(instance.sessions.find('0'.repeat(32))).rejects.toThrow();
  });

  it('fault 9: is prepared for by a question to the store', async () => {
    const instance = await startSessionInstance();
    await instance.sessions.prepare();
    failing(instance.store, 'findSession', { times: Infinity });

    await expect(instance.sessions.prepare()).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });
  });

  it('fault 13: that was used later than now tells that clocks differ', async () => {
    const instance = await startSessionInstance();
    const { id } = await instance.logIn();
    const told = instance.record('clocks-differ');
    await instance.sessions.find(id);
    expect(told).toEqual([]);

    instance.clock.set(new Date(instance.clock.now().getTime() - 60_000));
    await instance.sessions.find(id);
    expect(told).toEqual([{ provider: 'default', aheadSec: 60 }]);
  });

  it('KM-5: that cannot be decrypted is none, is told, and can be ended', async () => {
    const instance = await startSessionInstance();
    const { id } = await instance.logIn();
    const told = instance.record('undecryptable');
    lockRows(instance.store, 2);

    expect(await instance.sessions.findOpen(id)).toBeUndefined();
    expect(told).toEqual([{ provider: 'default', what: 'session' }]);
    expect(await instance.sessions.end(await sessionOf(instance, id), 'logout')).toBe(true);
    expect(instance.upstream.revoked).toEqual([]);
    expect(told).toHaveLength(2);
  });
});

/** Whether a token of that session, issued now, is refused here. */
function covers(instance: SessionInstance, sid: string): boolean {
  const iat = Math.floor(instance.clock.now().getTime() / 1000);
  return instance.revocations.covers({
    iss: ISSUER,
    sub: 'alice',
    aud: 'x',
    exp: iat + 60,
    iat,
    sid,
  });
}

describe('the tokens of a session that ended', () => {
  it('LO-2: are refused here at once', async () => {
    const instance = await startSessionInstance();
    await instance.revocations.pull();
    const { id } = await instance.logIn();
    expect(covers(instance, id)).toBe(false);

    await instance.sessions.end(await sessionOf(instance, id), 'logout');
    expect(covers(instance, id)).toBe(true);
  });

  it('LO-2: are refused here at once also when a refresh ended it', async () => {
    const instance = await startSessionInstance();
    await instance.revocations.pull();
    const { id } = await instance.logIn();
    const [now, leaseId] = [instance.clock.now(), 'f'.repeat(32)];
    const until = new Date(now.getTime() + 15_000);
    await instance.store.takeLease(id, { leaseId, until, now, generation: 1 });

    const session = await sessionOf(instance, id);
    expect(await instance.sessions.end(session, 'provider-ended-it', { leaseId })).toBe(true);
    expect(covers(instance, id)).toBe(true);
  });

  it('RF-4: are not refused where whoever wanted to end it had lost the lease', async () => {
    const instance = await startSessionInstance();
    await instance.revocations.pull();
    const { id } = await instance.logIn();
    const session = await sessionOf(instance, id);

    expect(await instance.sessions.end(session, 'logout', { leaseId: 'f'.repeat(32) })).toBe(false);
    expect(covers(instance, id)).toBe(false);
  });

  it('LO-2: are refused also where another instance was faster', async () => {
    const instance = await startSessionInstance();
    await instance.revocations.pull();
    const { id } = await instance.logIn();
    const session = await sessionOf(instance, id);
    const other = await startSessionInstance({ store: instance.store, clock: instance.clock });
    await other.sessions.end(session, 'logout');

    expect(await instance.sessions.end(session, 'logout')).toBe(false);
    expect(covers(instance, id)).toBe(true);
  });
});
