import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { ProviderEntry } from '../../lib/index.js';
import { Providers } from '../../lib/providers/providers.js';
import { type TestApp, adapters, startApp } from '../support/app.js';
import {
  BROKER_AUDIENCE,
  BROKER_ENCRYPTION_KEY,
  type BrokerTokens,
  brokerTokens,
  guarded,
  refresh,
} from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { type TestProvider, startProvider } from '../support/provider.js';
import { TEST_AUDIENCE, TEST_CLIENT_ID } from '../support/provider-options.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';
import { keycloak, zitadel } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakUser } from './support/keycloak-user.js';
import { ZitadelServer } from './support/zitadel-server.js';

const counterparts = [keycloak(), zitadel()] as const;
const [{ at: keycloakUrl }, { at: zitadelProgram }] = counterparts;
const skipped = counterparts.map(({ skipped: reason }) => reason).find(Boolean);
const offline = { offline_access: 'true', prompt: 'consent' };

const reread = async (app: TestApp): Promise<void> => {
  const providers = app.app.get(Providers, { strict: false });
  await providers.refresh();
  await providers.refresh();
};
const loginUrl = (app: TestApp, name: string): string => {
  const redirect_uri = `${app.url}/auth/v2/callback/${name}`;
  const query = new URLSearchParams({ provider: name, redirect_uri, ...offline });
  return `${app.url}/auth/v2/login?${query.toString()}`;
};

describe.skipIf(skipped)(
  `Keycloak, Zitadel and one that comes and goes${skipped ? ` (${skipped})` : ''}`,
  () => {
    const apps: TestApp[] = [];
    let realm: KeycloakRealm;
    let other: ZitadelServer;
    let third: TestProvider;
    let map: Record<string, ProviderEntry>;

    beforeAll(async () => {
      realm = await new KeycloakRealm(keycloakUrl, 'several').create();
      other = await ZitadelServer.start(zitadelProgram, '/auth/v2/callback/zitadel');
      third = await startProvider();
    });

    afterEach(async () => {
      for (const app of apps.splice(0)) await app.close();
    });

    afterAll(async () => {
      await other?.stop();
      await third?.close();
    });

    const start = async (adapter: (typeof adapters)[number], broker: boolean): Promise<TestApp> => {
      const { clientSecret, discoveryUrl } = realm;
      map = {
        default: { clientId: TEST_CLIENT_ID, clientSecret, discoveryUrl, audience: TEST_AUDIENCE },
        zitadel: { clientId: other.clientId, discoveryUrl: other.issuer, audience: other.clientId },
      };
      const app = await startApp({
        adapter,
        controllers: [GuardedRoutes],
        several: { providers: async () => map, providersPollSec: 10 },
        options: {
          encryptionKeys: [BROKER_ENCRYPTION_KEY],
          ...(broker
            ? {
                broker: {
                  audience: BROKER_AUDIENCE,
                  store: 'memory://',
                  signingAlgorithm: 'ES256' as const,
                },
              }
            : {}),
        },
      });
      apps.push(app);
      return app;
    };
    const keycloakLogin = async (app: TestApp): Promise<BrokerTokens> => {
      const login = await new KeycloakUser(realm).logIn(app, {
        query: { ...offline, provider: 'default' },
      });
      return brokerTokens(await postToken(app, { ...handleForm(login), iss: realm.issuer }));
    };
    const zitadelLogin = async (app: TestApp): Promise<BrokerTokens> => {
      const agent = new UserAgent();
      const { origin } = new URL(other.issuer);
      const back = await agent.walk(origin, loginUrl(app, 'zitadel'), ({ fields }) => ({
        ...fields,
        username: 'test-user@localhost',
        password: 'verysecure',
      }));
      if (!(back instanceof URL)) throw new Error(`Zitadel keeps the browser: ${back.text()}`);
      return brokerTokens(await agent.get(back));
    };
    const thirdLogin = async (app: TestApp): Promise<BrokerTokens> => {
      const agent = new UserAgent();
      return brokerTokens(
        await agent.get(await agent.loginAt(third, loginUrl(app, 'third'), 'alice')),
      );
    };

    it.each(adapters)('in broker mode on %s', async (adapter) => {
      const app = await start(adapter, true);

      const one = await keycloakLogin(app);
      const two = await zitadelLogin(app);

      expect(one.claims).toMatchObject({ idp: 'default', idp_iss: realm.issuer });
      expect(two.claims).toMatchObject({
        idp: 'zitadel',
        idp_iss: other.issuer,
        sub: expect.stringMatching(/^zitadel\|/),
        client_id: other.clientId,
      });
      for (const { refreshToken, claims } of [one, two]) {
        const next = brokerTokens(await refresh(app, refreshToken));
        expect(next.claims).toMatchObject({ sub: claims.sub, idp: claims['idp'] });
        expect(await guarded(app, next.accessToken)).toBe('200');
      }

      map = {
        ...map,
        third: {
          clientId: TEST_CLIENT_ID,
          clientSecret: realm.clientSecret,
          discoveryUrl: third.discoveryUrl,
          audience: TEST_AUDIENCE,
        },
      };
      await reread(app);
      const three = await thirdLogin(app);
      expect(three.claims['idp']).toBe('third');
      expect(await guarded(app, three.accessToken)).toBe('200');

      const { third: _gone, ...left } = map;
      map = left;
      await reread(app);
      expect(await guarded(app, three.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, three.refreshToken), 400, 'invalid_grant');
      expectRefusal(await request(loginUrl(app, 'third')), 400, 'invalid_request');
      expect(await guarded(app, one.accessToken)).toBe('200');

      const out = await request(`${app.url}/auth/v2/logout`, { bearer: two.accessToken });
      expect(out.location?.origin).toBe(new URL(other.issuer).origin);
      expect(await guarded(app, two.accessToken)).toBe('401 invalid_token');
    });

    it.each(adapters)('in passthrough mode on %s', async (adapter) => {
      const app = await start(adapter, false);

      const one = await keycloakLogin(app);
      expect(decodeJwt(one.accessToken).iss).toBe(realm.issuer);
      expect(await guarded(app, one.accessToken)).toBe('200');
      expect(one.refreshToken).toMatch(/^default~/);
      const next = await refresh(app, one.refreshToken);
      expect(next.status, next.text()).toBe(200);

      const begun = await request(loginUrl(app, 'zitadel'));
      expect(begun.location?.origin).toBe(new URL(other.issuer).origin);
      // It sends no iss, so that its logins end at our callback alone.
      const elsewhere = `${app.url}/auth/v2/login?provider=zitadel&redirect_uri=http://localhost:53100/callback`;
      expectRefusal(await request(elsewhere), 400, 'invalid_request');
    });
  },
);
