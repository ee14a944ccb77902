import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import { pollDevice } from '../support/device-login.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

const LOGIN_ROUTES_OFF = { login: false, callback: false, logout: false } as const;

/** Ways to switch device logins off, and where the Python client still looks for them. */
const ways: [way: string, options: Partial<OidcAuthOptions>, path: string][] = [
  ['grants', { grants: { device: false } }, '/auth/v2/device'],
  ['routes', { routes: { device: false } }, '/auth/v2/device'],
  ['both', { grants: { device: false }, routes: { device: false } }, '/auth/v2/device'],
  ['routes with a prefix', { routes: { prefix: '/api', device: false } }, '/api/auth/v2/device'],
  ['grants, at a path of its own', { grants: { device: false }, routes: { device: '/d' } }, '/d'],
];

describe.each(adapters)('device logins that are switched off on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  const start = async (options: Partial<OidcAuthOptions>): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, options });
    onTestFinished(() => app.close());
    provider.clearRequests();
    return app;
  };

  it.each(ways)(
    'DV-4: by %s: the route answers 503, so that clients take their browser, and asks nobody',
    async (_way, options, path) => {
      const app = await start(options);

      for (const form of [{}, { scope: 'profile' }, { scope: 'not-allowed' }]) {
        expectRefusal(await request(app.url + path, { form }), 503, 'temporarily_unavailable');
      }
      expect((await request(app.url + path)).status).toBe(404);
      expect(provider.requests).toEqual([]);
      expect(app.logs().join('\n')).toMatch(/the option "(grants|routes)\.device" is false/);
    },
  );

  it('DV-4: by the route where there is no login route either: there is nothing', async () => {
    const app = await start({ routes: { ...LOGIN_ROUTES_OFF, device: false } });

    expect((await request(`${app.url}/auth/v2/device`, { form: {} })).status).toBe(404);
  });

  it('DV-4: by the route alone: the host starts them itself, and they are finished on the token route', async () => {
    const app = await start({ routes: { device: false } });

    const { device_code: deviceCode } = await app.service.device();

    expectRefusal(await pollDevice(app, deviceCode), 400, 'authorization_pending');
  });

  it('TK-7: by the grant: the service starts none, and none is finished', async () => {
    const app = await start({ grants: { device: false } });

    await expect(app.service.device()).rejects.toMatchObject({ error: 'temporarily_unavailable' });
    expectRefusal(await pollDevice(app, 'code'), 400, 'unsupported_grant_type');
    expect(provider.requests).toEqual([]);
  });

  it.each<Partial<OidcAuthOptions>>([{ grants: { device: false } }, { routes: { device: false } }])(
    'are not in the metadata document: %j',
    async (options) => {
      const app = await startBrokerApp({ adapter, provider, options });
      onTestFinished(() => app.close());

      const document = await request(`${app.url}/.well-known/openid-configuration`);

      expect(document.status).toBe(200);
      expect(document.text()).not.toContain('device');
    },
  );
});
