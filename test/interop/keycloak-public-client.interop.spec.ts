import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startApp, type AdapterName, type TestApp } from '../support/app.js';
import {
  BROKER_ENCRYPTION_KEY,
  brokerTokens,
  guarded,
  startBrokerApp,
} from '../support/broker-app.js';
import { pollDevice } from '../support/device-login.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { keycloak } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakUser } from './support/keycloak-user.js';

const { at, skipped } = keycloak();

const places: readonly { mode: 'passthrough' | 'broker'; adapter: AdapterName }[] = [
  { mode: 'passthrough', adapter: 'express' },
  { mode: 'broker', adapter: 'fastify' },
];

describe.skipIf(skipped)(`A public client of Keycloak${skipped ? ` (${skipped})` : ''}`, () => {
  let realm: KeycloakRealm;
  let app: TestApp | undefined;

  beforeAll(async () => {
    realm = await new KeycloakRealm(at, 'public-client').create();
  });

  afterEach(async () => {
    await app?.close();
  });

  /** Without a secret there is nothing to derive keys from. */
  const start = async ({ mode, adapter }: (typeof places)[number]): Promise<TestApp> => {
    app = await (mode === 'broker' ? startBrokerApp : startApp)({
      adapter,
      provider: realm,
      controllers: [GuardedRoutes],
      options: {
        clientId: 'public-client',
        clientSecret: undefined,
        encryptionKeys: [BROKER_ENCRYPTION_KEY],
        scopes: 'profile email',
      },
    });
    return app;
  };

  describe.each(places)('in $mode mode on $adapter', (place) => {
    it('logs in by code, and goes on by refresh', async () => {
      const ours = await start(place);
      const login = await new KeycloakUser(realm).logIn(ours);

      const { refreshToken } = brokerTokens(await postToken(ours, handleForm(login)));
      const refreshed = brokerTokens(await postToken(ours, { 'refresh-token': refreshToken }));

      expect(refreshed.refreshToken).not.toBe(refreshToken);
      expect(await guarded(ours, refreshed.accessToken, '/admins')).toBe('200');
    });

    it('logs a device in', async () => {
      const ours = await start(place);
      const begun = (await request(`${ours.url}/auth/v2/device`, { form: {} })).json();

      await new KeycloakUser(realm).connectDevice(String(begun['verification_uri_complete']));
      const { accessToken } = brokerTokens(await pollDevice(ours, String(begun['device_code'])));

      expect(await guarded(ours, accessToken, '/admins')).toBe('200');
    });
  });
});
