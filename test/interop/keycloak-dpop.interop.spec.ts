import { decodeJwt } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { guarded, startBrokerApp } from '../support/broker-app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { ProvingClient } from '../support/dpop.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import { expectRefusal } from '../support/refusal.js';
import { EXCHANGE_GRANT, mintedToken } from '../support/token-exchange.js';
import { keycloak } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';

const { at, skipped } = keycloak();

const outcomeOf = (reply: Reply): string =>
  reply.status < 300 ? String(reply.status) : `${reply.status} ${String(reply.json()['error'])}`;

describe.skipIf(skipped)(`Keycloak with DPoP${skipped ? ` (${skipped})` : ''}`, () => {
  const apps: TestApp[] = [];
  let realm: KeycloakRealm;
  let holder: ProvingClient;
  let stranger: ProvingClient;

  beforeAll(async () => {
    [holder, stranger] = await Promise.all([ProvingClient.create(), ProvingClient.create()]);
    realm = await new KeycloakRealm(at, 'dpop').create();
    for (const [clientId, lightweight] of [
      ['bound', 'false'],
      ['bound-lightweight', 'true'],
    ] as const) {
      await realm.addClient({
        clientId,
        secret: realm.clientSecret,
        directAccessGrantsEnabled: true,
        attributes: {
          'dpop.bound.access.tokens': 'true',
          'client.use.lightweight.access.token.enabled': lightweight,
        },
      });
    }
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  const start = async (
    given: AppOptions,
    begin: (options: AppOptions) => Promise<TestApp> = startApp,
  ): Promise<TestApp> => {
    const app = await begin({ provider: realm, controllers: [GuardedRoutes], ...given });
    apps.push(app);
    return app;
  };

  /** A client of Keycloak's own, which this module has no part in. */
  const tokenRequest = async (clientId: string, by?: ProvingClient): Promise<Reply> => {
    const url = `${realm.issuer}/protocol/openid-connect/token`;
    return request(url, {
      form: {
        grant_type: 'password',
        client_id: clientId,
        client_secret: realm.clientSecret,
        username: 'alice',
        password: 'password-of-alice',
        scope: 'openid profile',
      },
      ...(by && { headers: { dpop: await by.proof({ method: 'POST', url }) } }),
    });
  };

  const boundToken = async (clientId = 'bound'): Promise<string> => {
    const reply = await tokenRequest(clientId, holder);
    expect(reply.status, reply.text()).toBe(200);
    expect(reply.json()['token_type']).toBe('DPoP');
    const token = String(reply.json()['access_token']);
    registerIfSecret(token, 'bound access token of Keycloak');
    return token;
  };

  const called = async (app: TestApp, token: string, by = holder): Promise<string> => {
    const url = `${app.url}/admins`;
    const headers = await by.headers({ method: 'GET', url, token });
    return outcomeOf(await request(url, { headers }));
  };

  describe.each(adapters)('on %s', (adapter) => {
    it('DP-1: a token that Keycloak bound is taken with a proof of its key, and in no other way', async () => {
      const app = await start({ adapter });
      const token = await boundToken();

      expect(decodeJwt(token)['cnf']).toMatchObject({ jkt: holder.jkt });
      expect(await called(app, token)).toBe('200');
      expect(await called(app, token, stranger)).toBe('401 invalid_token');
      expect(await guarded(app, token)).toBe('401 invalid_token');
      expect(outcomeOf(await tokenRequest('bound'))).toBe('400 invalid_request');
    });

    it('DP-3: a proof for it is good once', async () => {
      const app = await start({ adapter });
      const token = await boundToken();
      const url = `${app.url}/required`;
      const headers = await holder.headers({ method: 'GET', url, token });

      const replies = [await request(url, { headers }), await request(url, { headers })];

      expect(replies.map(outcomeOf)).toEqual(['200', '401 invalid_dpop_proof']);
    });
  });

  it('DP-1: a lightweight one is held to its key too, by introspection', async () => {
    const introspection = { always: true };
    const app = await start({ options: { clientId: 'bound-lightweight', introspection } });
    const token = await boundToken('bound-lightweight');

    expect(decodeJwt(token)).not.toHaveProperty('realm_access');
    expect(await called(app, token)).toBe('200');
    expect(await called(app, token, stranger)).toBe('401 invalid_token');
    expect(await guarded(app, token)).toBe('401 invalid_token');
  });

  it('DP-4: it is exchanged with a proof of its key, for a token of ours that is bound to that', async () => {
    const app = await start({ options: { clientId: 'bound' } }, startBrokerApp);
    const subject_token = await boundToken();
    const url = `${app.url}/auth/v2/token`;
    const exchange = async (by?: ProvingClient): Promise<Reply> =>
      request(url, {
        form: { grant_type: EXCHANGE_GRANT, subject_token },
        ...(by && { headers: { dpop: await by.proof({ method: 'POST', url }) } }),
      });

    expectRefusal(await exchange(), 400, 'invalid_dpop_proof');
    expectRefusal(await exchange(stranger), 400, 'invalid_dpop_proof');
    const minted = mintedToken(await exchange(holder));

    expect(decodeJwt(minted)['cnf']).toEqual({ jkt: holder.jkt });
    expect(await called(app, minted)).toBe('200');
    expect(await guarded(app, minted)).toBe('401 invalid_token');
  });
});
