import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { guarded } from '../support/broker-app.js';
import { type ChangingApp, startChangingApp } from '../support/changing-providers.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import {
  STAFF_AUDIENCE,
  STAFF_CLIENT,
  type TwoProviders,
  entryOf,
  startTwoProviders,
} from '../support/two-providers.js';

describe('identity providers that come and go, in passthrough mode', () => {
  let both: TwoProviders;
  let other: MisbehavingProvider;
  let app: ChangingApp;

  beforeAll(async () => {
    both = await startTwoProviders();
    other = await startMisbehavingProvider({
      clientId: STAFF_CLIENT,
      clientSecret: 'staff-secret-of-at-least-32-characters',
      audience: STAFF_AUDIENCE,
    });
    app = await startChangingApp(both, withStaff(), { broker: false });
  });

  afterEach(async () => {
    await app.change(withStaff());
    forget();
  });

  afterAll(async () => {
    await app.close();
    await Promise.all([both.main, both.staff, other].map((provider) => provider.close()));
  });

  const withStaff = (staff: MisbehavingProvider = both.staff) => ({
    default: entryOf(both.main),
    staff: entryOf(staff),
  });
  const withoutStaff = () => ({ default: entryOf(both.main) });
  const forget = (): void => {
    for (const provider of [both.main, both.staff, other]) provider.clearRequests();
  };
  const spent = (): string[] =>
    [both.main, both.staff, other].flatMap((provider) =>
      ['token', 'revocation', 'device', 'userinfo'].flatMap((endpoint) =>
        provider.requests
          .filter(({ path }) => path.endsWith(`/${endpoint}`))
          .map(({ path }) => `${provider.issuer} ${path}`),
      ),
    );
  const revoke = (form: Readonly<Record<string, string>>): Promise<Reply> =>
    request(`${app.url}/auth/v2/revoke`, { form });
  const staffTokens = async (): Promise<{ accessToken: string; refreshToken: string }> => {
    const login = await openLogin(app, { query: { provider: 'staff' } });
    const reply = await postToken(app, { ...handleForm(login), iss: both.staff.issuer });
    expect(reply.status, reply.text()).toBe(200);
    const { access_token, refresh_token } = reply.json();
    return { accessToken: String(access_token), refreshToken: String(refresh_token) };
  };
  const staffDevice = async (): Promise<string> => {
    const reply = await request(`${app.url}/auth/v2/device`, { form: { provider: 'staff' } });
    return String(reply.json()['device_code']);
  };

  it('serves a provider that was there all the time', async () => {
    const { accessToken, refreshToken } = await staffTokens();

    expect(await guarded(app, accessToken)).toBe('200');
    expect((await postToken(app, { refresh_token: refreshToken })).status).toBe(200);
    const polled = await postToken(app, { device_code: await staffDevice() });
    expectRefusal(polled, 400, 'authorization_pending');
  });

  it('answers 503 before there is a first answer, to tokens and logins', async () => {
    const unknown = await startChangingApp(both, null, { broker: false });

    expect(await guarded(unknown, both.staff.accessToken())).toBe('503 temporarily_unavailable');
    const reply = await postToken(unknown, { refresh_token: 'staff~x' });
    expectRefusal(reply, 503, 'temporarily_unavailable');
    await unknown.close();
  });

  it.each([
    ['is gone', () => withoutStaff()],
    ['has another issuer', () => withStaff(other)],
  ])(
    'MP-4: takes no token whose provider %s, also one that was taken before',
    async (_what, map) => {
      const { accessToken } = await staffTokens();
      expect(await guarded(app, accessToken)).toBe('200');

      await app.change(map());

      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
      forget();
      expectRefusal(await revoke({ token: accessToken }), 400, 'invalid_request');
      expect(spent()).toEqual([]);
    },
  );

  it.each([
    ['is gone', () => withoutStaff()],
    ['has another issuer', () => withStaff(other)],
    [
      'has another client',
      () => ({ ...withStaff(), staff: entryOf(both.staff, { clientId: 'x' }) }),
    ],
  ])('MP-4: sends nothing of a provider that %s to anybody', async (_what, map) => {
    const { refreshToken } = await staffTokens();
    const deviceCode = await staffDevice();
    const login = await openLogin(app, { query: { provider: 'staff' } });
    await app.change(map());
    forget();

    const replies = [
      await postToken(app, { refresh_token: refreshToken }),
      await postToken(app, { device_code: deviceCode }),
      await postToken(app, { ...handleForm(login), iss: both.staff.issuer }),
      await postToken(app, { ...handleForm(login), iss: other.issuer }),
      await revoke({ token: refreshToken }),
      await revoke({ token: refreshToken, token_type_hint: 'refresh_token' }),
      await revoke({ token: refreshToken, provider: 'default' }),
    ];

    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 400));
    expect(spent()).toEqual([]);
  });

  it('lets refresh tokens live on when the provider comes back', async () => {
    const { refreshToken } = await staffTokens();
    await app.change(withoutStaff());
    await app.change(withStaff());

    expect((await postToken(app, { refresh_token: refreshToken })).status).toBe(200);
  });

  it('keeps what is known of a provider that did not change', async () => {
    await staffTokens();
    forget();

    await app.change({ ...withStaff(), third: entryOf(other) });
    await staffTokens();

    expect(both.staff.requestsTo('discovery')).toHaveLength(0);
    expect(both.staff.requestsTo('jwks')).toHaveLength(0);
  });

  it('LG-1: masks the secret of a provider that was added', async () => {
    const clientSecret = 'secret-of-the-added-provider-32-characters';
    const added = entryOf(other, {
      clientSecret,
      fetch: async () => {
        throw new Error(`proxy refused ${clientSecret}`);
      },
    });
    await app.change({ ...withStaff(), added });

    await request(
      `${app.url}/auth/v2/login?provider=added&redirect_uri=${app.url}/auth/v2/callback/added`,
    );

    const lines = app.logs().join('\n');
    expect(lines).toContain('proxy refused');
    expect(lines).not.toContain(clientSecret);
  });
});
