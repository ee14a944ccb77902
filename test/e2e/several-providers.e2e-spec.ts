import { Controller, Get } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { Auth, CurrentUser } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import { guarded } from '../support/broker-app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { request } from '../support/http-request.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import {
  type TwoProviders,
  entryOf,
  startTwoProviderApp,
  startTwoProviders,
} from '../support/two-providers.js';

@Controller()
class StaffRoutes {
  constructor(private readonly user: CurrentUser) {}

  @Get('provider')
  @Auth()
  provider(): object {
    return { provider: this.user.provider };
  }

  @Get('staff-only')
  @Auth({ providers: ['staff'] })
  staffOnly(): object {
    return { entered: true };
  }
}

const staffLogin = { query: { provider: 'staff' } };

describe.each(adapters)('several identity providers on %s', (adapter) => {
  let both: TwoProviders;
  let app: TestApp;

  beforeAll(async () => {
    both = await startTwoProviders();
    app = await startTwoProviderApp(both, { adapter, controllers: [GuardedRoutes, StaffRoutes] });
  });

  afterEach(() => {
    for (const provider of [both.main, both.staff]) {
      provider.resetBehaviour();
      provider.clearRequests();
    }
  });

  afterAll(async () => {
    await app.close();
    await Promise.all([both.main.close(), both.staff.close()]);
  });

  const callbackOf = (name: string): string =>
    `${app.url}/auth/v2/callback${name === 'default' ? '' : `/${name}`}`;
  const providerOf = (name: string): MisbehavingProvider =>
    name === 'default' ? both.main : both.staff;
  const loginAt = (name: string) =>
    openLogin(app, { redirectUri: callbackOf(name), query: { provider: name } });

  it.each(['default', 'staff'])('logs in with %s at a callback of its own', async (name) => {
    const login = await loginAt(name);

    const reply = await login.agent.get(wayBack(login, providerOf(name)));

    expect(reply.status, reply.text()).toBe(200);
    const token = String(reply.json()['access_token']);
    registerIfSecret(token, 'access token');
    expect(decodeJwt(token).iss).toBe(providerOf(name).issuer);
    expect(await guarded(app, token)).toBe('200');
  });

  it('sends logins that name no provider to the default one', async () => {
    const login = await openLogin(app, { redirectUri: callbackOf('default') });

    expect(both.main.requestsTo('authorization')).toHaveLength(1);
    expect(login.code).not.toBe('');
  });

  it('MP-6: refuses names that nobody has', async () => {
    for (const name of ['guests', '../staff', 'Staff', 'staff%00', '__proto__']) {
      const query = new URLSearchParams({ redirect_uri: callbackOf('staff'), provider: name });
      const reply = await request(`${app.url}/auth/v2/login?${query.toString()}`);

      expectRefusal(reply, 400, 'invalid_request');
    }
    const callback = await request(`${app.url}/auth/v2/callback/guests?code=x&state=y`);
    expectRefusal(callback, 400, 'invalid_request');
  });

  it("MP-1: refuses another provider's callback for a login, and asks nobody", async () => {
    const login = await loginAt('staff');
    const elsewhere = { ...login, redirectUri: callbackOf('default') };

    const reply = await login.agent.get(wayBack(elsewhere, both.main));

    expectRefusal(reply, 400, 'invalid_request');
    for (const provider of [both.main, both.staff]) {
      expect(provider.requestsTo('token')).toHaveLength(0);
    }
  });

  it("MP-1: refuses a login at one provider's callback that names the other one as its redirect URI", async () => {
    const query = new URLSearchParams({ redirect_uri: callbackOf('staff'), provider: 'default' });

    const reply = await request(`${app.url}/auth/v2/login?${query.toString()}`);

    expectRefusal(reply, 400, 'invalid_request');
  });

  it.each([
    ['no iss', () => undefined],
    ["the other one's iss", () => both.main.issuer],
    ['an iss with a slash', () => `${both.staff.issuer}/`],
  ])(
    'MP-1: redeems no code that comes with %s elsewhere than at our callback',
    async (_what, iss) => {
      const login = await openLogin(app, staffLogin);
      const sent = iss();

      const reply = await postToken(app, {
        ...handleForm(login),
        ...(sent === undefined ? {} : { iss: sent }),
      });

      expectRefusal(reply, 400, 'invalid_grant');
      for (const provider of [both.main, both.staff]) {
        expect(provider.requestsTo('token')).toHaveLength(0);
      }
    },
  );

  it('redeems a code elsewhere with the iss of its provider', async () => {
    const login = await openLogin(app, staffLogin);

    const reply = await postToken(app, { ...handleForm(login), iss: both.staff.issuer });

    expect(reply.status, reply.text()).toBe(200);
    expect(both.main.requestsTo('token')).toHaveLength(0);
  });

  it('MP-1: begins no login with a provider that sends no iss, but at our callback', async () => {
    both.staff.behaviour.metadata = ({
      authorization_response_iss_parameter_supported: _flag,
      ...document
    }) => document;
    const silent = await startTwoProviderApp(both, { adapter });
    const begin = (redirectUri: string) => {
      const query = new URLSearchParams({ redirect_uri: redirectUri, provider: 'staff' });
      return request(`${silent.url}/auth/v2/login?${query.toString()}`);
    };

    expectRefusal(await begin('http://localhost:53100/callback'), 400, 'invalid_request');
    expect((await begin(`${silent.url}/auth/v2/callback/staff`)).status).toBe(302); // whose callback tells whose code it is
    await silent.close();
  });

  it('redeems a code without iss of the provider that "sharedRedirects" names', async () => {
    const shared = await startTwoProviderApp(both, {
      adapter,
      several: {
        providers: { default: entryOf(both.main), staff: entryOf(both.staff) },
        sharedRedirects: 'default',
      },
    });

    const reply = await postToken(shared, handleForm(await openLogin(shared)));
    const other = await postToken(shared, handleForm(await openLogin(shared, staffLogin)));

    expect(reply.status, reply.text()).toBe(200);
    expectRefusal(other, 400, 'invalid_grant');
    await shared.close();
  });

  it('MP-1: sends refresh tokens, device codes and revoked tokens to their own provider alone', async () => {
    const login = await openLogin(app, staffLogin);
    const first = await postToken(app, { ...handleForm(login), iss: both.staff.issuer });
    const refreshToken = String(first.json()['refresh_token']);
    expect(refreshToken).toMatch(/^staff~/);

    const refreshed = await postToken(app, { refresh_token: refreshToken });
    expect(refreshed.status, refreshed.text()).toBe(200);
    expect(String(refreshed.json()['refresh_token'])).toMatch(/^staff~/);
    const [sent] = both.staff.requestsTo('token').slice(-1);
    expect(sent?.body['refresh_token']).not.toContain('~');

    const device = await request(`${app.url}/auth/v2/device`, { form: { provider: 'staff' } });
    const deviceCode = String(device.json()['device_code']);
    expect(deviceCode).toMatch(/^staff~/);
    const polled = await postToken(app, { device_code: deviceCode });
    expect(polled.json()['error']).toBe('authorization_pending');

    const next = String(refreshed.json()['refresh_token']);
    const revoked = await request(`${app.url}/auth/v2/revoke`, { form: { token: next } });
    expect(revoked.status).toBe(200);
    const access = String(refreshed.json()['access_token']);
    const revokedAccess = await request(`${app.url}/auth/v2/revoke`, { form: { token: access } });
    expect(revokedAccess.status).toBe(200);
    expect(both.staff.requestsTo('revocation')).toHaveLength(2);

    expect(both.main.requests.map(({ path }) => path)).not.toContain('/token');
    expect(both.main.requestsTo('revocation')).toHaveLength(0);
    expect(both.main.requestsTo('device')).toHaveLength(0);
  });

  it('MP-1: sends a token that names no provider to nobody', async () => {
    const form = { token: 'opaque-access-token' };

    expectRefusal(await request(`${app.url}/auth/v2/revoke`, { form }), 400, 'invalid_request');
    for (const provider of [both.main, both.staff]) {
      expect(provider.requestsTo('revocation')).toHaveLength(0);
    }
    const named = await request(`${app.url}/auth/v2/revoke`, {
      form: { ...form, provider: 'staff' },
    });
    expect(named.status).toBe(200);
    expect(both.staff.requestsTo('revocation')).toHaveLength(1);
  });

  it('MP-1: refuses refresh tokens and device codes of providers that are not there', async () => {
    for (const form of [{ refresh_token: 'guests~x' }, { device_code: 'guests~x' }]) {
      const reply = await postToken(app, form);

      expect(reply.status).toBe(400);
    }
  });

  it("MP-2: holds a token against its own provider's options", async () => {
    const ofStaff = both.staff.accessToken();

    expect(await guarded(app, ofStaff)).toBe('200');
    expect(await guarded(app, both.main.accessToken())).toBe('200');
    expect(await guarded(app, both.staff.accessToken({ aud: both.main.audience }))).toBe(
      '401 invalid_token',
    );
    const forged = both.staff.accessToken({ iss: both.main.issuer, aud: both.main.audience });
    expect(await guarded(app, forged)).toBe('401 invalid_token');
  });

  it('MP-2: lets users of the providers in that a rule names', async () => {
    const replies = await Promise.all(
      [both.staff, both.main].map((provider) =>
        request(`${app.url}/staff-only`, { bearer: provider.accessToken() }),
      ),
    );

    expect(replies[0]?.status).toBe(200);
    expect(replies[1]?.status).toBe(403);
    expect(replies[1]?.json()['error']).toBe('insufficient_scope');
  });

  it('tells handlers which provider the caller is of', async () => {
    const seen = await Promise.all(
      [both.main, both.staff].map(async (provider) =>
        (await request(`${app.url}/provider`, { bearer: provider.accessToken() })).json(),
      ),
    );

    expect(seen).toEqual([{ provider: 'default' }, { provider: 'staff' }]);
  });

  it('MP-2: takes away the roles and scopes that a provider may not give', async () => {
    const limited = await startTwoProviderApp(both, {
      adapter,
      several: {
        providers: {
          default: entryOf(both.main),
          staff: entryOf(both.staff, { roles: ['clerk'], tokenScopes: 'openid' }),
        },
      },
    });
    const token = both.staff.accessToken({ roles: ['admins', 'clerk'], scope: 'openid myscope' });
    registerIfSecret(token, 'access token');

    const admins = await request(`${limited.url}/admins`, { bearer: token });
    const scoped = await request(`${limited.url}/scoped`, { bearer: token });

    expect([admins.status, scoped.status]).toEqual([403, 403]);
    expect((await request(`${app.url}/admins`, { bearer: token })).status).toBe(200);
    await limited.close();
  });

  it('MP-5: is not touched by a provider that is down', async () => {
    const alone = await startTwoProviderApp(both, {
      adapter,
      several: {
        providers: {
          default: entryOf(both.main),
          down: { ...entryOf(both.staff), discoveryUrl: 'http://127.0.0.1:9/' },
        },
      },
    });

    expect(await guarded(alone, both.main.accessToken())).toBe('200');
    const query = new URLSearchParams({
      redirect_uri: `${alone.url}/auth/v2/callback/down`,
      provider: 'down',
    });
    const reply = await request(`${alone.url}/auth/v2/login?${query.toString()}`);
    expectRefusal(reply, 503, 'temporarily_unavailable');
    await alone.close();
  });

  it('lists the providers for login pages, without what is hidden', async () => {
    const titled = await startTwoProviderApp(both, {
      adapter,
      several: {
        providers: {
          default: entryOf(both.main, { title: 'Customers' }),
          staff: entryOf(both.staff),
          robots: entryOf(both.staff, { audience: 'robots', hidden: true }),
        },
      },
    });

    const reply = await request(`${titled.url}/auth/v2/providers`);

    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text())).toEqual([
      {
        name: 'default',
        title: 'Customers',
        loginUrl: `${titled.url}/auth/v2/login?provider=default`,
      },
      { name: 'staff', title: 'staff', loginUrl: `${titled.url}/auth/v2/login?provider=staff` },
    ]);
    await titled.close();
  });

  it('MP-6: lets the host choose by host name, and never shows it a token', async () => {
    const seen: object[] = [];
    const byHost = await startTwoProviderApp(both, {
      adapter,
      several: {
        providers: { default: entryOf(both.main), staff: entryOf(both.staff) },
        resolveProvider: (asked) => {
          seen.push(asked);
          return asked.host === 'staff.localhost' ? 'staff' : undefined;
        },
      },
    });
    const login = `${byHost.url}/auth/v2/login?redirect_uri=${byHost.url}/auth/v2/callback/staff`;

    const reply = await request(login, {
      headers: { host: 'staff.localhost:1', cookie: 'a=canary-cookie' },
      bearer: 'canary-token',
    });

    expect(reply.status).toBe(302);
    expect(reply.location?.origin).toBe(byHost.url);
    expect(reply.location?.searchParams.get('provider')).toBe('staff');
    expect(JSON.stringify(seen)).not.toContain('canary');
    const there = await request(String(reply.location));
    expect(there.location?.origin).toBe(new URL(both.staff.issuer).origin);
    await byHost.close();
  });

  it('sends the browser to the logout of the provider that is named', async () => {
    const reply = await request(`${app.url}/auth/v2/logout?provider=staff`);

    expect(reply.location?.origin).toBe(new URL(both.staff.issuer).origin);
    const unknown = await request(`${app.url}/auth/v2/logout?provider=guests`);
    expectRefusal(unknown, 400, 'invalid_request');
  });
});
