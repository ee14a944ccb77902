import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { type ChangingApp, startChangingApp } from '../support/changing-providers.js';
import { type BrokerTokens, brokerTokens, guarded, refresh } from '../support/broker-app.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import {
  STAFF_AUDIENCE,
  STAFF_CLIENT,
  type TwoProviders,
  entryOf,
  startTwoProviders,
} from '../support/two-providers.js';
import { alice } from '../support/users.js';

describe('identity providers that come and go, in broker mode', () => {
  let both: TwoProviders;
  let other: MisbehavingProvider;
  const apps: ChangingApp[] = [];

  beforeAll(async () => {
    both = await startTwoProviders();
    other = await startMisbehavingProvider({
      clientId: STAFF_CLIENT,
      clientSecret: 'staff-secret-of-at-least-32-characters',
      audience: STAFF_AUDIENCE,
    });
  });

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
    for (const provider of [both.main, both.staff, other]) {
      provider.resetBehaviour();
      provider.clearRequests();
    }
  });

  afterAll(async () => {
    await Promise.all([both.main, both.staff, other].map((provider) => provider.close()));
  });

  const withStaff = (staff: MisbehavingProvider = both.staff) => ({
    default: entryOf(both.main),
    staff: entryOf(staff),
  });
  const withoutStaff = () => ({ default: entryOf(both.main) });
  const start = async (
    first: unknown = withStaff(),
    more: Parameters<typeof startChangingApp>[2] = {},
  ): Promise<ChangingApp> => {
    const app = await startChangingApp(both, first, more);
    apps.push(app);
    return app;
  };
  const staffLogin = async (app: ChangingApp): Promise<BrokerTokens> => {
    const login = await openLogin(app, { query: { provider: 'staff' } });
    return brokerTokens(await postToken(app, { ...handleForm(login), iss: both.staff.issuer }));
  };
  const forget = (): void => {
    for (const provider of [both.main, both.staff, other]) provider.clearRequests();
  };

  it('answers 503 to everybody before there is a first answer, and never that a token is bad', async () => {
    const store = new MemoryBrokerStore();
    const before = await start(withStaff(), { store });
    const { accessToken, refreshToken } = await staffLogin(before);
    const app = await start(null, { store });

    expect(await guarded(app, accessToken)).toBe('503 temporarily_unavailable');
    expectRefusal(await refresh(app, refreshToken), 503, 'temporarily_unavailable');
    const login = await request(
      `${app.url}/auth/v2/login?provider=staff&redirect_uri=${app.url}/auth/v2/callback/staff`,
    );
    expectRefusal(login, 503, 'temporarily_unavailable');
    const device = await request(`${app.url}/auth/v2/device`, { form: { provider: 'staff' } });
    expectRefusal(device, 503, 'temporarily_unavailable');

    await app.change(withStaff());
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('asks a function that fails from the first time on no more often the more requests come', async () => {
    const app = await start(null);
    let asked = 0;
    await app.answer(() => {
      asked += 1;
      return null;
    });
    const before = asked;

    for (let call = 0; call < 40; call += 1) {
      const device = await request(`${app.url}/auth/v2/device`, { form: { provider: 'staff' } });
      expectRefusal(device, 503, 'temporarily_unavailable');
    }

    // Twice in the first two seconds, then every five: forty would take minutes.
    expect(asked - before).toBeLessThan(20);
  });

  it.each([
    ['null', () => null],
    ['a list', () => [entryOf(both.staff)]],
    ['text', () => 'staff'],
    [
      'an error',
      () => {
        throw new Error('database is down');
      },
    ],
  ])('keeps the last map when the function gives %s', async (_what, source) => {
    const app = await start();
    const { accessToken } = await staffLogin(app);

    await app.answer(source);

    expect(await guarded(app, accessToken)).toBe('200');
    await staffLogin(app);
    expect(app.logs().join('\n')).toContain('providers-failed');
  });

  it.each([
    ['no object', 'staff', null],
    ['no discoveryUrl', 'staff', { clientId: 'x' }],
    ['a name that is none', '../staff', {}],
    ['a name of upper-case letters', 'STAFF', {}],
    ['a name with a line break', 'staff\nforged line', {}],
    ['an unknown member', 'staff', { clientIdd: 'x' }],
  ])('drops an entry with %s, and no other one', async (_what, name, entry) => {
    const app = await start(withoutStaff());

    await app.change({ ...withoutStaff(), [name]: entry });

    const login = await openLogin(app, { query: { provider: 'default' } });
    expect(login.code).not.toBe('');
    const lines = app.logs().filter((line) => line.includes('provider-dropped'));
    expect(lines).not.toHaveLength(0);
    expect(lines.join('')).not.toContain('\nforged');
  });

  it('MP-4: refuses tokens, sessions and logins of a provider that is gone, and asks it nothing', async () => {
    const app = await start();
    const { accessToken, refreshToken, claims } = await staffLogin(app);
    expect(await guarded(app, accessToken)).toBe('200');
    const pending = await openLogin(app, {
      redirectUri: `${app.url}/auth/v2/callback/staff`,
      query: { provider: 'staff' },
    });
    forget();

    await app.change(withoutStaff());

    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    await expect(app.service.getIdpToken(String(claims['sid']))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    const back = await pending.agent.get(wayBack(pending, both.staff));
    expectRefusal(back, 400, 'invalid_request');
    const query = `provider=staff&redirect_uri=${app.url}/auth/v2/callback/staff`;
    expectRefusal(await request(`${app.url}/auth/v2/login?${query}`), 400, 'invalid_request');
    const form = { provider: 'staff' };
    expectRefusal(await request(`${app.url}/auth/v2/device`, { form }), 400, 'invalid_request');
    expect(both.staff.requests.map(({ path }) => path)).toEqual([]);
  });

  it('MP-4: lets sessions live on when the provider comes back with the same issuer and client', async () => {
    const app = await start();
    const { accessToken, refreshToken, claims } = await staffLogin(app);

    await app.change(withoutStaff());
    await app.change(withStaff());

    expect(await guarded(app, accessToken)).toBe('200');
    expect(await app.service.getIdpToken(String(claims['sid']))).not.toBe('');
    const next = brokerTokens(await refresh(app, refreshToken));
    expect(next.claims['idp']).toBe('staff');
    expect(next.claims['sid']).toBe(claims['sid']);
  });

  it('MP-4: ends sessions whose provider has another issuer, which never sees their tokens', async () => {
    const app = await start();
    const first = await staffLogin(app);
    const current = brokerTokens(await refresh(app, first.refreshToken));
    forget();

    await app.change(withStaff(other));

    expect(await guarded(app, first.accessToken)).toBe('401 invalid_token');
    // That one was replaced a moment ago, and is good for its successor.
    expectRefusal(await refresh(app, first.refreshToken), 400, 'invalid_grant');
    await expect(app.service.getIdpToken(String(current.claims['sid']))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    expectRefusal(await refresh(app, current.refreshToken), 400, 'invalid_grant');
    expect(await app.service.listSessions(String(current.claims['sub']))).toEqual([]);
    await app.change(withStaff());
    expectRefusal(await refresh(app, current.refreshToken), 400, 'invalid_grant');
    expect(other.requestsTo('token')).toHaveLength(0);
    expect(other.requestsTo('revocation')).toHaveLength(0);
  });

  it('MP-4: never sends a refresh token to another client at the same issuer', async () => {
    const app = await start();
    const { refreshToken, accessToken } = await staffLogin(app);
    forget();

    await app.change({
      ...withoutStaff(),
      staff: entryOf(both.staff, { clientId: 'another-client' }),
    });

    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    expect(both.staff.requestsTo('token')).toHaveLength(0);
    expect(both.staff.requestsTo('revocation')).toHaveLength(0);
  });

  it('MP-4: asks nobody with a code of the provider that had the name before', async () => {
    const app = await start();
    const atCallback = await openLogin(app, {
      redirectUri: `${app.url}/auth/v2/callback/staff`,
      query: { provider: 'staff' },
    });
    const elsewhere = await openLogin(app, { query: { provider: 'staff' } });

    await app.change(withStaff(other));

    for (const iss of [both.staff.issuer, other.issuer]) {
      const back = await atCallback.agent.get(wayBack(atCallback, { issuer: iss }));
      expectRefusal(back, 400, 'invalid_request');
      const posted = await postToken(app, { ...handleForm(elsewhere), iss });
      expectRefusal(posted, 400, 'invalid_grant');
    }
    expect(other.requestsTo('token')).toHaveLength(0);
  });

  it('MP-4: ends a session by logout and by revocation also while its provider is gone', async () => {
    const app = await start();
    const logins = [await staffLogin(app), await staffLogin(app)];
    forget();
    await app.change(withoutStaff());

    const reply = await request(`${app.url}/auth/v2/logout`, {
      bearer: logins[0]?.accessToken ?? '',
    });
    await request(`${app.url}/auth/v2/revoke`, { form: { token: logins[1]?.accessToken ?? '' } });

    expect(reply.status).toBe(302);
    // Another provider is not told to log out somebody who is not its user.
    expect(reply.location?.origin).toBe(app.url);
    await app.change(withStaff());
    for (const { refreshToken, accessToken } of logins) {
      expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    }
  });

  it('MP-3: takes no subject of the default provider that names a user of a provider added later', async () => {
    const app = await start(withoutStaff());
    both.main.behaviour.user = { ...alice, sub: `staff|${alice.sub}` };
    const login = await openLogin(app);
    const tokens = brokerTokens(
      await postToken(app, { ...handleForm(login), iss: both.main.issuer }),
    );
    expect(decodeJwt(tokens.accessToken).sub).toBe(`staff|${alice.sub}`);
    expect(await guarded(app, tokens.accessToken)).toBe('200');

    await app.change(withStaff());

    expect(await guarded(app, tokens.accessToken)).toBe('401 invalid_token');
    const refreshed = await refresh(app, tokens.refreshToken);
    expect(refreshed.status).toBeGreaterThanOrEqual(400);
    expect(refreshed.status).not.toBe(500);
  });
});
