import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { adapters, type TestApp } from '../support/app.js';
import { guarded, startBrokerApp } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { keycloak, python } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakUser } from './support/keycloak-user.js';
import { PythonClient } from './support/python-client.js';

const client = python();
const provider = keycloak();
const skipped = client.skipped ?? provider.skipped;

describe.skipIf(skipped)(`Python client and Keycloak${skipped ? ` (${skipped})` : ''}`, () => {
  const apps: TestApp[] = [];
  let installed: PythonClient;

  beforeEach(async () => {
    installed = await PythonClient.install(client.at);
  });

  afterEach(async () => {
    await installed.uninstall();
    for (const app of apps.splice(0)) await app.close();
  });

  const start = async (
    adapter: (typeof adapters)[number],
    changes = {},
  ): Promise<{ app: TestApp; user: KeycloakUser }> => {
    const realm = await new KeycloakRealm(provider.at, 'python-client').create(changes);
    const app = await startBrokerApp({
      adapter,
      provider: realm,
      controllers: [GuardedRoutes],
      broker: { accessTokenLifetimeSec: 45 }, // the client refreshes what lasts less than 60 s
    });
    apps.push(app);
    return { app, user: new KeycloakUser(realm) };
  };

  describe.each(adapters)('with an application in broker mode on %s', (adapter) => {
    it('log a device in, and go on by refresh, although Keycloak takes each refresh token once', async () => {
      const { app, user } = await start(adapter);
      const run = installed.logIn(app.url);
      await user.connectDevice(await run.url);
      const { json: first } = await run.result;

      const { code, json: last } = await installed.keepUsing(app.url, 5).result;

      expect(code).toBe(0);
      expect(last['refresh_token']).not.toBe(first['refresh_token']);
      expect(await installed.stored(app.url)).toEqual(last);
      expect(await guarded(app, String(last['access_token']), '/admins')).toBe('200');
    });

    it('DV-1: stop when the user refuses', async () => {
      const { app, user } = await start(adapter);
      const run = installed.logIn(app.url);
      await user.connectDevice(await run.url, { deny: true });
      const { code, stderr } = await run.result;

      expect(code).toBe(1);
      expect(stderr).toContain('Device flow failed: access_denied');
    });

    it('DV-1: stop when nobody came in time', async () => {
      const { app } = await start(adapter, { oauth2DeviceCodeLifespan: 1 });
      const { code, stderr } = await installed.logIn(app.url).result;

      expect(code).toBe(1);
      expect(stderr).toContain('Device flow failed: expired_token');
    });
  });
});
