import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { brokerTokens, guarded, startBrokerApp } from '../support/broker-app.js';
import { pollDevice } from '../support/device-login.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { ownCallback } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { keycloak } from './support/counterparts.js';
import { KeycloakRealm, type RealmUser } from './support/keycloak-realm.js';
import { KeycloakUser } from './support/keycloak-user.js';
import { RecordedAnswers } from './support/recorded-answers.js';

const { at, skipped } = keycloak();
const offline = { offline_access: 'true', prompt: 'consent' };

const modes = adapters.flatMap((adapter) => [
  { adapter, mode: 'passthrough' as const },
  { adapter, mode: 'broker' as const },
]);

describe.skipIf(skipped)(`Keycloak${skipped ? ` (${skipped})` : ''}`, () => {
  const apps: TestApp[] = [];
  let realm: KeycloakRealm;

  beforeAll(async () => {
    realm = await new KeycloakRealm(at, 'logins').create();
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  const start = async (
    adapter: AdapterName,
    mode: string,
    answers = new RecordedAnswers(),
  ): Promise<TestApp> => {
    const app = await (mode === 'broker' ? startBrokerApp : startApp)({
      adapter,
      provider: realm,
      controllers: [GuardedRoutes],
      options: { fetch: answers.fetch },
    });
    apps.push(app);
    return app;
  };

  const logIn = async (app: TestApp, user: RealmUser = 'alice', query = {}) => {
    const login = await new KeycloakUser(realm).logIn(app, { user, query });
    return brokerTokens(await postToken(app, handleForm(login)));
  };

  describe.each(modes)('in $mode mode on $adapter', ({ adapter, mode }) => {
    it('logs in by code at our own callback', async () => {
      const app = await start(adapter, mode);
      const user = new KeycloakUser(realm);

      const back = await user.visit(app, { redirectUri: ownCallback(app) });
      const { accessToken, body } = brokerTokens(await user.agent.get(back));

      expect(back.searchParams.get('iss')).toBe(realm.issuer);
      expect(body).toMatchObject({ token_type: 'Bearer', refresh_token: expect.any(String) });
      expect(String(body['scope']).split(' ')).toEqual(
        expect.arrayContaining(['openid', 'myscope', 'profile', 'email']),
      );
      expect(await guarded(app, accessToken)).toBe('200');
      const profile = await request(`${app.url}/auth/v2/userinfo`, { bearer: accessToken });
      expect(profile.json()).toMatchObject({
        username: 'alice',
        first_name: 'Alice',
        last_name: 'Doe',
        email: 'alice@example.org',
      });
    });

    it('DV-1: logs in a device, and says so when the user refuses', async () => {
      const app = await start(adapter, mode);
      const [connected, refused, open] = [
        await startDevice(app),
        await startDevice(app),
        await startDevice(app),
      ];

      const shown = await new KeycloakUser(realm).connectDevice(connected.uri);
      expect(shown).toContain('Device Login Successful');
      await new KeycloakUser(realm).connectDevice(refused.uri, { deny: true });

      const { accessToken } = brokerTokens(await pollDevice(app, connected.code));
      expect(await guarded(app, accessToken)).toBe('200');
      expectRefusal(await pollDevice(app, refused.code), 400, 'access_denied');
      expectRefusal(await pollDevice(app, open.code), 400, 'authorization_pending');
    });

    it('says so when the user refuses consent', async () => {
      const app = await start(adapter, mode);
      const user = new KeycloakUser(realm);
      const query = { prompt: 'consent' };

      const back = await user.visit(app, { redirectUri: ownCallback(app), query, deny: true });

      expectRefusal(await user.agent.get(back), 400, 'access_denied');
    });

    it('goes on for as long as it is refreshed, although Keycloak takes each refresh token once', async () => {
      const answers = new RecordedAnswers();
      const app = await start(adapter, mode, answers);
      let latest = await logIn(app);
      const seen = new Set([latest.refreshToken]);

      for (let round = 0; round < 4; round += 1) {
        latest = brokerTokens(await postToken(app, { 'refresh-token': latest.refreshToken }));
        seen.add(latest.refreshToken);
      }

      expect(seen.size).toBe(5);
      expect(new Set(answers.of('/token').map((body) => body['refresh_token'])).size).toBe(5);
      expect(await guarded(app, latest.accessToken)).toBe('200');
    });

    it('TK-6: offline tokens, which Keycloak says expire in 0 seconds, can be refreshed', async () => {
      const answers = new RecordedAnswers();
      const app = await start(adapter, mode, answers);
      const { body, refreshToken } = await logIn(app, 'alice', offline);
      const form = { 'refresh-token': refreshToken };
      const { body: refreshed } = brokerTokens(await postToken(app, form));

      const tomorrow = Date.now() / 1000 + 86_400;
      expect(answers.of('/token').map((answer) => answer['refresh_expires_in'])).toEqual([0, 0]);
      expect(body['refresh_expires']).toBeGreaterThan(tomorrow);
      expect(refreshed['refresh_expires']).toBeGreaterThan(tomorrow);
    });

    it('takes roles of the realm, of its groups and of our client, and those of no other client', async () => {
      const app = await start(adapter, mode);
      const [alice, bob] = [await logIn(app), await logIn(app, 'bob')];

      expect(await guarded(app, alice.accessToken, '/admins')).toBe('200');
      for (const roles of ['admins', 'editor', 'team-a']) {
        await app.service.verify(alice.accessToken, { roles });
      }
      expect(await guarded(app, alice.accessToken, '/superusers')).toBe('403 insufficient_scope');
      expect(await guarded(app, bob.accessToken)).toBe('200');
      expect(await guarded(app, bob.accessToken, '/admins')).toBe('403 insufficient_scope');
    });
  });

  it.each(adapters)(
    'a refresh token that Keycloak has replaced is refused on %s',
    async (adapter) => {
      const app = await start(adapter, 'passthrough');
      const { refreshToken } = await logIn(app);
      brokerTokens(await postToken(app, { 'refresh-token': refreshToken }));

      expectRefusal(await postToken(app, { 'refresh-token': refreshToken }), 400, 'invalid_grant');
    },
  );

  it.each(adapters)('RF-3: two tabs on %s are one refresh for Keycloak', async (adapter) => {
    const answers = new RecordedAnswers();
    const app = await start(adapter, 'broker', answers);
    const { refreshToken } = await logIn(app);
    const form = { 'refresh-token': refreshToken };

    const replies = await Promise.all([postToken(app, form), postToken(app, form)]);
    const [one, other] = replies.map((reply) => brokerTokens(reply).refreshToken);

    expect(one).toBe(other);
    expect(answers.of('/token')).toHaveLength(2); // the login and one refresh
    brokerTokens(await postToken(app, { 'refresh-token': String(one) }));
  });
});

async function startDevice(app: TestApp): Promise<{ code: string; uri: string }> {
  const body = (await request(`${app.url}/auth/v2/device`, { form: {} })).json();
  return {
    code: String(body['device_code']),
    uri: String(body['verification_uri_complete']),
  };
}
