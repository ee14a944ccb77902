import { decodeJwt } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { brokerTokens, guarded, startBrokerApp, type BrokerTokens } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';
import { keycloak } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakUser, textOf } from './support/keycloak-user.js';

const { at, skipped } = keycloak();
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

describe.skipIf(skipped)(`Sessions at Keycloak${skipped ? ` (${skipped})` : ''}`, () => {
  const apps: TestApp[] = [];
  let realm: KeycloakRealm;

  beforeAll(async () => {
    realm = await new KeycloakRealm(at, 'sessions').create();
  });

  afterEach(async () => {
    await realm.logOut('alice');
    for (const app of apps.splice(0)) await app.close();
  });

  const start = async (adapter: AdapterName, mode: string): Promise<TestApp> => {
    const app = await (mode === 'broker' ? startBrokerApp : startApp)({
      adapter,
      provider: realm,
      controllers: [GuardedRoutes],
      options: { allowedPostLogoutRedirectUris: ['http://localhost:53100/goodbye'] },
    });
    apps.push(app);
    return app;
  };

  const logIn = async (app: TestApp, agent = new UserAgent()): Promise<BrokerTokens> => {
    const login = await new KeycloakUser(realm, agent).logIn(app);
    return brokerTokens(await postToken(app, handleForm(login)));
  };

  describe.each(adapters)('on %s', (adapter) => {
    it('LO-4: logout in broker mode sends the ID token as a hint, and Keycloak asks nothing', async () => {
      const app = await start(adapter, 'broker');
      const user = new KeycloakUser(realm);
      const login = await logIn(app, user.agent);
      const target = new URLSearchParams({
        post_logout_redirect_uri: 'http://localhost:53100/goodbye',
        state: 'caller-state',
      });

      const { location = app.url } = await request(
        `${app.url}/auth/v2/logout?${target.toString()}`,
        {
          bearer: login.accessToken,
        },
      );
      const { location: back } = await user.agent.get(location, { follow: false });

      const hint = decodeJwt(new URL(location).searchParams.get('id_token_hint') ?? '');
      expect(hint).toMatchObject({ iss: realm.issuer, aud: 'my-client' });
      expect(back?.href).toBe('http://localhost:53100/goodbye?state=caller-state');
      expect(await realm.sessionsOf('alice')).toBe(0);
      expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, login), 400, 'invalid_grant');
    });

    it('LO-4: logout in passthrough mode sends no hint, so that Keycloak asks the user first', async () => {
      const app = await start(adapter, 'passthrough');
      const user = new KeycloakUser(realm);
      const login = await logIn(app, user.agent);
      const logout = `${app.url}/auth/v2/logout?post_logout_redirect_uri=/`;

      const asked = await user.agent.get(logout);
      expect(asked.url.searchParams.has('id_token_hint')).toBe(false);
      expect(textOf(asked)).toContain('Do you want to log out?');
      expect(await realm.sessionsOf('alice')).toBe(1);
      const back = await user.logOut(logout);

      expect(back).toBe(`${app.url}/`);
      expect(await realm.sessionsOf('alice')).toBe(0);
      expectRefusal(await refresh(app, login), 400, 'invalid_grant');
    });

    it('LO-2: revocation in broker mode ends the session at Keycloak too', async () => {
      const app = await start(adapter, 'broker');
      const login = await logIn(app);
      expect(await realm.sessionsOf('alice')).toBe(1);

      const reply = await revoke(app, login.refreshToken);

      expect(reply.status).toBe(200);
      await expect.poll(() => realm.sessionsOf('alice')).toBe(0);
      expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, login), 400, 'invalid_grant');
    });

    it('revocation in passthrough mode is passed on to Keycloak', async () => {
      const app = await start(adapter, 'passthrough');
      const login = await logIn(app);

      const reply = await revoke(app, login.refreshToken);

      expect(reply.status).toBe(200);
      expect(await realm.sessionsOf('alice')).toBe(0);
      expectRefusal(await refresh(app, login), 400, 'invalid_grant');
    });

    it('LO-5: a session that ends at Keycloak in another way ends here by back-channel logout', async () => {
      const app = await start(adapter, 'broker');
      await realm.setBackchannelLogoutUrl(`${app.url}/auth/v2/backchannel-logout`);
      const [gone, other] = [new KeycloakUser(realm), new KeycloakUser(realm)];
      const [ended, kept] = [await logIn(app, gone.agent), await logIn(app, other.agent)];

      await gone.logOut(`${realm.issuer}/protocol/openid-connect/logout`);

      await expect.poll(() => guarded(app, ended.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, ended), 400, 'invalid_grant');
      expect(await guarded(app, kept.accessToken)).toBe('200');
      brokerTokens(await refresh(app, kept));
    });

    it('LO-5: all sessions end here when an administrator logs the user out', async () => {
      const app = await start(adapter, 'broker');
      await realm.setBackchannelLogoutUrl(`${app.url}/auth/v2/backchannel-logout`);
      const logins = [await logIn(app), await logIn(app)];

      await realm.logOut('alice');

      for (const login of logins) {
        await expect.poll(() => guarded(app, login.accessToken)).toBe('401 invalid_token');
        expectRefusal(await refresh(app, login), 400, 'invalid_grant');
      }
    });

    it('without back-channel logout such a session ends with its next refresh', async () => {
      const app = await start(adapter, 'broker');
      await realm.setBackchannelLogoutUrl('');
      const login = await logIn(app);

      await realm.logOut('alice');
      expect(await guarded(app, login.accessToken)).toBe('200');

      expectRefusal(await refresh(app, login), 400, 'invalid_grant');
      expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
    });

    it('TX-3, TX-4: exchanges an access token of Keycloak for one of ours, no longer and no wider', async () => {
      const [passthrough, app] = [
        await start(adapter, 'passthrough'),
        await start(adapter, 'broker'),
      ];
      const subject = await logIn(passthrough);

      const reply = await exchange(app, subject.accessToken);
      const { accessToken, claims, body } = brokerTokens(reply);

      expect(body).toMatchObject({ token_type: 'Bearer', issued_token_type: ACCESS_TOKEN });
      expect(body).not.toHaveProperty('refresh_token');
      expect(claims).toMatchObject({ iss: app.url, aud: 'myapp-api', sub: subject.claims['sub'] });
      expect(claims['exp']).toBeLessThanOrEqual(Number(subject.claims['exp']));
      expect(claims['scope']).toBe(subject.claims['scope']);
      expect(await guarded(app, accessToken, '/admins')).toBe('200');
      expect(await guarded(app, accessToken, '/superusers')).toBe('403 insufficient_scope');
    });

    it('TX-1: exchanges no access token that Keycloak issued to another client', async () => {
      const app = await start(adapter, 'broker');
      const token = await realm.tokenOfOtherClient('alice');

      expect(decodeJwt(token)).toMatchObject({ azp: 'other-client', iss: realm.issuer });
      expect(decodeJwt(token).aud).toContain('my-aud');
      expectRefusal(await exchange(app, token), 400, 'invalid_request');
    });
  });
});

function refresh(app: TestApp, { refreshToken }: BrokerTokens): Promise<Reply> {
  return postToken(app, { 'refresh-token': refreshToken });
}

function revoke(app: TestApp, token: string): Promise<Reply> {
  return request(`${app.url}/auth/v2/revoke`, { form: { token } });
}

function exchange(app: TestApp, subject_token: string): Promise<Reply> {
  return postToken(app, {
    grant_type: EXCHANGE,
    subject_token,
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
  });
}
