import { Controller, Get } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { Auth, CurrentUser, type LoginNotice } from '../../lib/index.js';
import { type TestApp, flowAdapters } from '../support/app.js';
import {
  BROKER_AUDIENCE,
  type BrokerTokens,
  brokerTokens,
  guarded,
  refresh,
} from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { allowServerError } from '../support/server-errors.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import {
  STAFF_CLIENT,
  type TwoProviders,
  entryOf,
  startTwoProviderApp,
  startTwoProviders,
} from '../support/two-providers.js';
import { alice } from '../support/users.js';

@Controller()
class ProviderRoutes {
  constructor(private readonly user: CurrentUser) {}

  @Get('provider')
  @Auth()
  provider(): object {
    return { provider: this.user.provider ?? null };
  }

  @Get('staff-only')
  @Auth({ providers: ['staff'] })
  staffOnly(): object {
    return {};
  }

  @Get('nobody')
  @Auth({ providers: ['staff'] })
  @Auth({ providers: ['default'] })
  nobody(): object {
    return {};
  }
}

type Name = 'default' | 'staff';
const names: readonly Name[] = ['default', 'staff'];

describe.each(flowAdapters)('several identity providers in broker mode on %s', (adapter) => {
  let both: TwoProviders;
  let app: TestApp;
  const notices: LoginNotice[] = [];
  const others: TestApp[] = [];

  const start = (
    changes: Partial<Parameters<typeof startTwoProviderApp>[1]> = {},
  ): Promise<TestApp> =>
    startTwoProviderApp(both, {
      adapter,
      broker: true,
      controllers: [GuardedRoutes, ProviderRoutes],
      ...changes,
    });
  const another = async (changes: Parameters<typeof start>[0]): Promise<TestApp> => {
    const started = await start(changes);
    others.push(started);
    return started;
  };
  const providerOf = (name: Name): MisbehavingProvider =>
    name === 'default' ? both.main : both.staff;
  const login = async (name: Name, at: TestApp = app): Promise<BrokerTokens> => {
    const begun = await openLogin(at, { query: { provider: name } });
    return brokerTokens(
      await postToken(at, { ...handleForm(begun), iss: providerOf(name).issuer }),
    );
  };
  const refused = async (name: Name, at: TestApp) => {
    const begun = await openLogin(at, { query: { provider: name } });
    return postToken(at, { ...handleForm(begun), iss: providerOf(name).issuer });
  };

  beforeAll(async () => {
    both = await startTwoProviders();
    app = await start({ options: { onLogin: (notice) => void notices.push(notice) } });
  });

  afterEach(async () => {
    await Promise.all(others.splice(0).map((one) => one.close()));
    for (const provider of [both.main, both.staff]) {
      provider.resetBehaviour();
      provider.clearRequests();
    }
    notices.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await Promise.all([both.main.close(), both.staff.close()]);
  });

  it.each<[Name, string]>([
    ['default', alice.sub],
    ['staff', `staff|${alice.sub}`],
  ])('mints tokens that say that their user is of %s', async (name, sub) => {
    const { claims, accessToken } = await login(name);

    const { clientId, issuer } = providerOf(name);
    expect(claims).toMatchObject({ sub, idp: name, idp_iss: issuer, client_id: clientId });
    expect(notices).toMatchObject([{ provider: name, grant: 'authorization_code' }]);
    expect(await guarded(app, accessToken)).toBe('200');
    const profile = await request(`${app.url}/auth/v2/userinfo`, { bearer: accessToken });
    expect(profile.json()).toMatchObject({ username: 'alice' });
  });

  it.each(names)('finishes logins with %s at its own callback', async (name) => {
    const path = name === 'default' ? '' : `/${name}`;
    const begun = await openLogin(app, {
      redirectUri: `${app.url}/auth/v2/callback${path}`,
      query: { provider: name },
    });

    const { claims } = brokerTokens(await begun.agent.get(wayBack(begun, providerOf(name))));

    expect(claims['idp']).toBe(name);
  });

  it('MP-3: one sub at two providers is two users', async () => {
    const [one, two] = [await login('default'), await login('staff')];

    const ofOne = await app.service.listSessions(String(one.claims.sub));
    const ofTwo = await app.service.listSessions(String(two.claims.sub));
    expect(new Set(ofOne.map(({ provider }) => provider))).toEqual(new Set(['default']));
    expect(new Set(ofTwo.map(({ provider }) => provider))).toEqual(new Set(['staff']));

    expect(await app.service.revokeSessions(String(one.claims.sub))).toBe(ofOne.length);
    expect(await guarded(app, one.accessToken)).toBe('401 invalid_token');
    expect(await guarded(app, two.accessToken)).toBe('200');
    expect(await app.service.revokeSession(String(two.claims['sid']))).toBe(true);
    expectRefusal(await refresh(app, two.refreshToken), 400, 'invalid_grant');
  });

  it.each<[string, Name, Name]>([
    ['sub', 'default', 'staff'],
    ['sub', 'staff', 'default'],
    ['sid', 'default', 'staff'],
    ['sid', 'staff', 'default'],
  ])('MP-3: a logout token with %s of %s ends no session of %s', async (by, of, other) => {
    for (const provider of [both.main, both.staff]) {
      provider.behaviour.idToken.claims = (claims) => ({ ...claims, sid: 'one-sid-for-both' });
    }
    const [ended, kept] = [await login(of), await login(other)];
    const claims = by === 'sub' ? {} : { sub: undefined, sid: 'one-sid-for-both' };

    const reply = await sendLogoutToken(app, logoutToken(providerOf(of), { claims }));

    expect(reply.status, reply.text()).toBe(200);
    expect(await guarded(app, ended.accessToken)).toBe('401 invalid_token');
    expect(await guarded(app, kept.accessToken)).toBe('200');
    brokerTokens(await refresh(app, kept.refreshToken));
  });

  it("MP-3: a logout token's jti is used up for its own provider alone", async () => {
    const kept = await login('default');
    await login('staff');
    const claims = { jti: 'one-jti-for-both' };

    expect((await sendLogoutToken(app, logoutToken(both.staff, { claims }))).status).toBe(200);
    expect(await guarded(app, kept.accessToken)).toBe('200');
    expect((await sendLogoutToken(app, logoutToken(both.main, { claims }))).status).toBe(200);
    expect(await guarded(app, kept.accessToken)).toBe('401 invalid_token');
  });

  it.each([
    ["the other one's iss", () => ({ claims: { iss: both.main.issuer } })],
    [
      "the other one's iss and audience",
      () => ({
        claims: { iss: both.main.issuer, aud: both.main.clientId },
      }),
    ],
    ["the other one's audience", () => ({ claims: { aud: both.main.clientId } })],
  ])('MP-3: refuses a logout token of staff with %s', async (_what, changes) => {
    const kept = await login('default');

    const reply = await sendLogoutToken(app, logoutToken(both.staff, changes()));

    expectRefusal(reply, 400, 'invalid_request');
    expect(await guarded(app, kept.accessToken)).toBe('200');
  });

  it("MP-1: refreshes at the session's own provider", async () => {
    const { refreshToken } = await login('staff');
    both.staff.clearRequests();

    const next = brokerTokens(await refresh(app, refreshToken));

    expect(next.claims['idp']).toBe('staff');
    expect(both.staff.requestsTo('token')).toHaveLength(1);
    expect(both.main.requests).toHaveLength(0);
  });

  it("gives the access token of the session's own provider", async () => {
    const { claims } = await login('staff');

    const token = await app.service.getIdpToken(String(claims['sid']));

    expect(decodeJwt(token).iss).toBe(both.staff.issuer);
  });

  it('logs out at the provider of the session, with its ID token', async () => {
    const { accessToken } = await login('staff');

    const reply = await request(`${app.url}/auth/v2/logout?provider=default`, {
      bearer: accessToken,
    });

    expect(reply.location?.origin).toBe(new URL(both.staff.issuer).origin);
    const hint = reply.location?.searchParams.get('id_token_hint') ?? '';
    expect(decodeJwt(hint).iss).toBe(both.staff.issuer);
    expect(reply.location?.searchParams.get('client_id')).toBe(STAFF_CLIENT);
  });

  it("MP-2: exchanges tokens of each provider's own clients", async () => {
    const limited = await another({
      several: {
        providers: {
          default: entryOf(both.main, { exchangeClients: ['robot'] }),
          staff: entryOf(both.staff),
        },
      },
    });
    const ofRobot = { azp: 'robot', client_id: 'robot' };

    const good = [
      mintedToken(await exchange(limited, both.main.accessToken(ofRobot))),
      mintedToken(await exchange(limited, both.staff.accessToken())),
    ];
    expect(good.map((token) => decodeJwt(token))).toMatchObject([
      { sub: alice.sub, idp: 'default' },
      { sub: `staff|${alice.sub}`, idp: 'staff', idp_iss: both.staff.issuer },
    ]);
    expect(good.map((token) => decodeJwt(token)['sid'])).toEqual([undefined, undefined]);
    for (const token of [both.main.accessToken(), both.staff.accessToken(ofRobot)]) {
      expectRefusal(await exchange(limited, token), 400, 'invalid_request');
    }
  });

  it('logs a user of an exchanged token out at its own provider', async () => {
    const fresh = await another({});
    const bearer = mintedToken(await exchange(fresh, both.staff.accessToken()));

    const reply = await request(`${fresh.url}/auth/v2/logout`, { bearer });

    expect(reply.location?.origin).toBe(new URL(both.staff.issuer).origin);
    expect(await guarded(fresh, bearer)).toBe('401 invalid_token');
  });

  it('MP-2: holds our own tokens against rules on providers', async () => {
    const [ofDefault, ofStaff] = [await login('default'), await login('staff')];

    expect(await guarded(app, ofStaff.accessToken, '/staff-only')).toBe('200');
    expect(await guarded(app, ofDefault.accessToken, '/staff-only')).toBe('403 insufficient_scope');
    expect(await guarded(app, both.staff.accessToken(), '/staff-only')).toBe('401 invalid_token');
    for (const { accessToken } of [ofDefault, ofStaff]) {
      expect(await guarded(app, accessToken, '/nobody')).toBe('403 insufficient_scope');
    }
  });

  it("MP-2: a trusted issuer's token never meets a rule on providers", async () => {
    const trusting = await another({
      options: {
        broker: {
          audience: BROKER_AUDIENCE,
          store: 'memory://',
          signingAlgorithm: 'ES256',
          trustedIssuers: [app.url],
        },
      },
    });
    const { accessToken, claims } = await login('staff');
    expect(claims['idp']).toBe('staff');
    const providerAt = async ({ url }: TestApp) =>
      (await request(`${url}/provider`, { bearer: accessToken })).json();
    expect(await providerAt(app)).toEqual({ provider: 'staff' });
    expect(await providerAt(trusting)).toEqual({ provider: null });

    expect(await guarded(trusting, accessToken)).toBe('200');
    expect(await guarded(trusting, accessToken, '/staff-only')).toBe('403 insufficient_scope');
    const seen = await trusting.service.verify(accessToken);
    expect([seen['idp'], seen['idp_iss']]).toEqual([undefined, undefined]);
  });

  describe('MP-2: what a provider may give', () => {
    const limits = { roles: ['clerk'], tokenScopes: 'openid profile' };
    const given = ['admins', 'clerk'];
    const limited = () =>
      another({
        several: {
          providers: { default: entryOf(both.main), staff: entryOf(both.staff, limits) },
        },
      });
    const user = { ...alice, realm_access: { roles: given }, groups: [], resource_access: {} };

    it.each([
      ['the access token', () => undefined],
      ['the ID token', () => (both.staff.behaviour.opaqueAccessTokens = true)],
      [
        'userinfo',
        () => {
          both.staff.behaviour.opaqueAccessTokens = true;
          both.staff.behaviour.idToken.claims = (claims) => ({
            ...claims,
            realm_access: undefined,
            resource_access: undefined,
            groups: undefined,
          });
        },
      ],
    ])('is all that %s gives, at the login and at a refresh', async (_source, behave) => {
      const at = await limited();
      both.staff.behaviour.user = user;
      behave();

      const first = await login('staff', at);
      const next = brokerTokens(await refresh(at, first.refreshToken));

      for (const { claims, body } of [first, next]) {
        expect(claims['roles']).toEqual(['clerk']);
        expect(String(claims['scope']).split(' ')).not.toContain('email');
        expect(body['scope']).toBe(claims['scope']);
      }
      const minted = mintedToken(
        await exchange(at, both.staff.accessToken({ realm_access: { roles: given } })),
      );
      expect(decodeJwt(minted)['roles']).toEqual(['clerk']);
    });
  });

  it('MP-3: logs nobody in whom the default provider names like a user of another one', async () => {
    both.main.behaviour.user = { ...alice, sub: `staff|${alice.sub}` };

    expectRefusal(await refused('default', app), 502, 'server_error');
    expect(app.logs().join('\n')).toContain('names a user as those of "staff" are named');
    expectRefusal(
      await exchange(app, both.main.accessToken({ sub: `staff|${alice.sub}` })),
      502,
      'server_error',
    );
    both.main.behaviour.user = { ...alice, sub: `guests|${alice.sub}` };
    expect((await login('default')).claims.sub).toBe(`guests|${alice.sub}`);
  });

  it('makes sub as the option "subject" says, and finds sessions for back-channel logout', async () => {
    const named = await another({
      options: {
        subject: (claims, provider) => `${provider}/${String(claims['preferred_username'])}`,
      },
    });
    const { claims, accessToken } = await login('staff', named);
    expect(claims.sub).toBe('staff/alice');

    expect((await sendLogoutToken(named, logoutToken(both.staff))).status).toBe(200);
    expect(await guarded(named, accessToken)).toBe('401 invalid_token');
  });

  it("MP-3: a logout token ends no session of the other one's that shares its sub by the option", async () => {
    const linked = await another({ options: { subject: () => 'alice' } });
    const [ofDefault, ofStaff] = [await login('default', linked), await login('staff', linked)];
    const exchanged = mintedToken(await exchange(linked, both.main.accessToken()));

    expect((await sendLogoutToken(linked, logoutToken(both.staff))).status).toBe(200);

    expect(await guarded(linked, ofStaff.accessToken)).toBe('401 invalid_token');
    expect(await guarded(linked, ofDefault.accessToken)).toBe('200');
    expect(await guarded(linked, exchanged)).toBe('401 invalid_token'); // nobody can tell whose it is
    brokerTokens(await refresh(linked, ofDefault.refreshToken));
  });

  it.each<[string, () => string]>([
    ['too long', () => 'x'.repeat(256)],
    ['empty', () => ''],
    ['no text', () => JSON.parse('42')],
    ['text with a line break', () => 'a\nb'],
    [
      'nothing but an error',
      () => {
        throw new Error('lookup failed');
      },
    ],
  ])('ends a login whose "subject" is %s as a fault of the host', async (_what, subject) => {
    allowServerError();
    const faulty = await another({ options: { subject } });

    const reply = await refused('staff', faulty);

    expect(reply.status).toBe(500);
    expect(reply.json()['access_token']).toBeUndefined();
    expect(both.staff.requestsTo('revocation')).toHaveLength(1);
  });

  it('takes a sub of 255 characters', async () => {
    const longest = await another({ options: { subject: () => 'x'.repeat(255) } });

    expect((await login('staff', longest)).claims.sub).toHaveLength(255);
  });

  it('MP-3: puts tenants between name and sub', async () => {
    const tenant = '2f0e3a4c-0000-4000-8000-000000000001';
    for (const provider of [both.staff, both.main]) {
      provider.behaviour.metadata = (document) => ({
        ...document,
        issuer: `${provider.issuer}/{tenantid}`,
      });
      provider.behaviour.idToken.claims = (claims) => ({
        ...claims,
        iss: `${provider.issuer}/${tenant}`,
        tid: tenant,
      });
    }
    const tenants = [tenant];
    const shared = await another({
      several: {
        providers: {
          default: entryOf(both.main, { tenants, requireIssuerInCallback: false }),
          staff: entryOf(both.staff, { tenants, requireIssuerInCallback: false }),
        },
      },
    });

    for (const [name, sub] of [
      ['staff', `staff|${tenant}|${alice.sub}`],
      ['default', `${tenant}|${alice.sub}`],
    ] as const) {
      const path = name === 'default' ? '' : `/${name}`;
      const begun = await openLogin(shared, {
        redirectUri: `${shared.url}/auth/v2/callback${path}`,
        query: { provider: name },
      });
      const iss = `${providerOf(name).issuer}/${tenant}`;
      const reply = await begun.agent.get(wayBack(begun, { issuer: iss }));
      expect(brokerTokens(reply).claims.sub).toBe(sub);
    }
  });
});
