import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { LoginNotice } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import {
  brokerLogin,
  brokerTokens,
  guarded,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
  type BrokerTokens,
} from '../support/broker-app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import {
  FOREIGN_TENANT,
  TENANTS,
  issuerOf,
  ofTenant,
  shareIssuer,
  speakFor,
} from '../support/tenants.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { alice } from '../support/users.js';

const [ONE, OTHER] = TENANTS;

describe('tenants that share an identity provider, in broker mode', () => {
  const clock = new FakeClock();
  const notices: LoginNotice[] = [];
  let provider: MisbehavingProvider;
  let app: TestApp;

  const start = async (broker: BrokerAppOptions['broker'] = {}): Promise<TestApp> => {
    const options: BrokerAppOptions['options'] = {
      tenants: TENANTS,
      onLogin: (notice) => void notices.push(notice),
    };
    const started = await startBrokerApp({ provider, clock, broker, options });
    return started;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    shareIssuer(provider);
    app = await start();
  });

  beforeEach(() => {
    provider.resetBehaviour();
    shareIssuer(provider);
    notices.length = 0;
    clock.advance(1); // what an earlier test revoked counts for tokens until then
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const loginOf = (tenant: string, changes: JsonMembers = {}, at = app): Promise<BrokerTokens> => {
    speakFor(provider, tenant, changes);
    return brokerLogin(at);
  };

  /** The `sub` of a token that a tenant's access token was exchanged for. */
  const exchanged = async (tenant: string, at = app): Promise<string> =>
    mintedToken(await exchange(at, provider.accessToken(ofTenant(provider, tenant))));

  it.each<[string, string | undefined, string]>([
    ['their "sub"', undefined, alice.sub],
    ['a name', 'preferred_username', 'alice'],
    ['an address', 'email', 'alice@example.org'],
  ])('MP-3: equal people by %s are two users everywhere', async (_by, subjectClaim, name) => {
    const at = await start(subjectClaim === undefined ? {} : { subjectClaim });
    onTestFinished(() => at.close());
    const [one, other] = [await loginOf(ONE, {}, at), await loginOf(OTHER, {}, at)];
    const { service } = at;

    expect(one.claims['sub']).toBe(`${ONE}|${name}`);
    expect(other.claims['sub']).toBe(`${OTHER}|${name}`);
    expect(notices.map(({ claims }) => claims?.['iss'])).toEqual(
      TENANTS.map((tenant) => issuerOf(provider, tenant)),
    );
    for (const [tenant, { claims }] of [
      [ONE, one],
      [OTHER, other],
    ] as const) {
      const byExchange = await service.verify(await exchanged(tenant, at));
      expect(byExchange.sub).toBe(claims['sub']);
      const sessions = await service.listSessions(byExchange);
      expect(sessions.map(({ id }) => id)).toEqual([claims['sid']]);
    }

    expect(await service.revokeSessions(String(one.claims['sub']))).toBe(1);

    expect(await guarded(at, one.accessToken)).toBe('401 invalid_token');
    expect(await guarded(at, other.accessToken)).toBe('200');
    speakFor(provider, OTHER);
    expect((await refresh(at, other.refreshToken)).status).toBe(200);
  });

  it('MP-3: a single tenant has its id in "sub" too, so that a second one changes nothing', async () => {
    const single = await startBrokerApp({ provider, clock, options: { tenants: [OTHER] } });
    onTestFinished(() => single.close());

    const { claims } = await loginOf(OTHER, {}, single);

    expect(claims['sub']).toBe(`${OTHER}|${alice.sub}`);
  });

  it('MP-3: without a shared issuer "sub" is that of the provider, whatever "tenants" says', async () => {
    provider.resetBehaviour();
    const unshared = await startBrokerApp({ provider, clock, options: { tenants: [ONE] } });
    onTestFinished(() => unshared.close());

    expect((await brokerLogin(unshared)).claims['sub']).toBe(alice.sub);
  });

  it.each<[string, JsonMembers]>([
    ['by "sub"', { sub: alice.sub }],
    ['by "sid"', { sid: 'the-same-sid', sub: undefined }],
    ['by both', { sid: 'the-same-sid', sub: alice.sub }],
  ])('MP-3: a back-channel logout %s ends the sessions of its tenant alone', async (_by, named) => {
    const sid = 'the-same-sid';
    const [one, other] = [await loginOf(ONE, { sid }), await loginOf(OTHER, { sid })];
    const [byExchange, ofOther] = [await exchanged(ONE), await exchanged(OTHER)];
    const claims = { iss: issuerOf(provider, ONE), ...named };

    expect((await sendLogoutToken(app, logoutToken(provider, { claims }))).status).toBe(200);

    expect(await guarded(app, one.accessToken)).toBe('401 invalid_token');
    expect(await guarded(app, byExchange)).toBe('401 invalid_token');
    expect(await guarded(app, other.accessToken)).toBe('200');
    expect(await guarded(app, ofOther)).toBe('200');
  });

  it('RF-7: a refreshed ID token of another listed tenant ends the session', async () => {
    clock.advance(61); // one line a minute
    const { accessToken, refreshToken, claims } = await loginOf(ONE);
    speakFor(provider, OTHER);
    provider.clearRequests();

    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');

    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    const open = await app.service.listSessions(String(claims['sub']));
    expect(open.map(({ id }) => id)).not.toContain(claims['sid']);
    expect(provider.requestsTo('revocation')).toHaveLength(1);
    expect(app.logs().join('\n')).toMatch(/id-token-mismatch.*iss of the ID token/);
  });

  it('RF-7: getIdpToken() gives no token of another listed tenant', async () => {
    const { accessToken } = await loginOf(ONE);
    const claims = await app.service.verify(accessToken);
    clock.advance(400);
    speakFor(provider, OTHER);

    await expect(app.service.getIdpToken(claims)).rejects.toMatchObject({ error: 'invalid_grant' });

    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });

  it('CL-4: an access token of another listed tenant says nothing of the user', async () => {
    const claims = (others: JsonMembers): JsonMembers => ({
      ...others,
      ...ofTenant(provider, OTHER),
      realm_access: { roles: ['planted'] },
    });
    const roles = { realm_access: { roles: ['staff'] } };
    speakFor(provider, ONE, roles);
    provider.behaviour.accessToken = { claims };

    const login = await brokerLogin(app);
    expect(login.claims['roles']).toEqual(expect.not.arrayContaining(['planted']));
    const refreshed = await refresh(app, login.refreshToken);

    const { roles: renewed } = await app.service.verify(String(refreshed.json()['access_token']));
    expect(renewed).toEqual(expect.not.arrayContaining(['planted']));
  });

  it('MP-4: the sessions of a tenant that is listed no more are refused, until it is again', async () => {
    const store = new MemoryBrokerStore();
    const listing = async (tenants: readonly string[]): Promise<TestApp> => {
      const started = await startBrokerApp({ provider, clock, store, options: { tenants } });
      onTestFinished(() => started.close());
      return started;
    };
    const { refreshToken } = await loginOf(ONE, {}, await listing(TENANTS));
    provider.behaviour.tokenResponse = ({ id_token: _idToken, ...body }) => body;
    provider.clearRequests();

    expectRefusal(await refresh(await listing([OTHER]), refreshToken), 400, 'invalid_grant');
    expect(provider.requestsTo('token')).toEqual([]);

    expect((await refresh(await listing([ONE]), refreshToken)).status).toBe(200);
  });

  it('fault 12: a session of the version before keeps its "sub" as it was', async () => {
    const sessions = brokerParts(app.app).ofSessions.sessions;
    const { claims } = await loginOf(ONE);
    const open = await sessions.findOpen(String(claims['sid']));
    if (open === undefined) throw new Error('no session');
    const content = { ...open.content, claims: { ...open.content.claims, sub: alice.sub } };
    const before = await sessions.create({
      loginId: 'login-of-before',
      provider: 'default',
      issuer: issuerOf(provider, ONE),
      providerSession: undefined,
      content,
    });

    const { accessToken, claims: renewed } = brokerTokens(
      await refresh(app, String(before?.content.refreshToken)),
    );

    expect(renewed).toMatchObject({ sub: alice.sub, sid: before?.session.id });
    const listed = await app.service.listSessions(await app.service.verify(accessToken));
    expect(listed.map(({ id }) => id)).toEqual([before?.session.id]);
  });

  it('TX-1: an access token of a tenant that is not listed is exchanged for nothing', async () => {
    const foreign = provider.accessToken(ofTenant(provider, FOREIGN_TENANT));

    expectRefusal(await exchange(app, foreign), 400, 'invalid_request');
  });
});
