import { VersioningType } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { OidcAuthModule, OidcConfigError } from '../../lib/index.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectLoginAt, expectRoutesAt } from '../support/mounted-routes.js';

class FeatureModule {}

/** Ways in which a host mounts this module elsewhere, and where that is. */
const mounts: [how: string, prefix: string, options: Partial<AppOptions>][] = [
  ['by a path', '/account', { imports: [mounted('account')] }],
  ['by a path with slashes', '/account', { imports: [mounted('/account/')] }],
  ['by a path of several parts', '/a/b/c', { imports: [mounted('/a/b/c')] }],
  ['at the root', '', { imports: [mounted('/')] }],
  [
    'as a child',
    '/area/account',
    {
      imports: [
        RouterModule.register([
          { path: 'area', children: [{ path: 'account', module: OidcAuthModule }] },
        ]),
      ],
    },
  ],
  [
    'as a child without a path of its own',
    '/area',
    { imports: [RouterModule.register([{ path: 'area', children: [OidcAuthModule] }])] },
  ],
  [
    'beside another module',
    '',
    { imports: [FeatureModule, RouterModule.register([{ path: 'x', module: FeatureModule }])] },
  ],
  [
    'behind a global prefix',
    '/api/account',
    { imports: [mounted('account')], globalPrefix: 'api' },
  ],
  [
    'behind a global prefix that excludes it',
    '/account',
    {
      imports: [mounted('account')],
      configure: (app) => void app.setGlobalPrefix('api', { exclude: ['account/{*rest}'] }),
    },
  ],
  ['behind a global prefix of unusual letters', '/~api@2.0', { globalPrefix: '~api@2.0' }],
  [
    'ahead of the option "routes.prefix"',
    '/account/oidc',
    { imports: [mounted('account')], options: { routes: { prefix: '/oidc' } } },
  ],
  [
    'under URI versioning and a global prefix',
    '/api/account',
    {
      imports: [mounted('account')],
      globalPrefix: 'api',
      configure: (app) =>
        void app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
    },
  ],
];

/** Prefixes that name no one place, so that no callback address could be registered at a provider. */
const parametric: [how: string, options: Partial<AppOptions>][] = [
  ['RouterModule with a parameter', { imports: [mounted(':tenant')] }],
  ['RouterModule with a parameter further on', { imports: [mounted('account/:tenant')] }],
  ['a global prefix with a parameter', { globalPrefix: ':tenant' }],
  ['a global prefix with a parameter further on', { globalPrefix: 'api/:version/x' }],
];

function mounted(path: string): ReturnType<typeof RouterModule.register> {
  return RouterModule.register([{ path, module: OidcAuthModule }]);
}

describe.each(adapters)('the module mounted elsewhere on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  const start = async (options: Partial<AppOptions>): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, controllers: [GuardedRoutes], ...options });
    onTestFinished(() => app.close());
    return app;
  };

  it.each(mounts)(
    '%s: routes and logins are where it is, at "%s"',
    async (_how, prefix, options) => {
      const app = await start(options);

      await expectRoutesAt(app, prefix);
      await expectLoginAt(app, prefix);
      if (prefix !== '') expect((await request(`${app.url}/auth/v2/login`)).status).toBe(404);
    },
  );

  it('two applications of one process are each where their own RouterModule says', async () => {
    const [one, two] = [
      await start({ imports: [mounted('one')] }),
      await start({ imports: [mounted('two')] }),
    ];
    const plain = await start({});

    await expectLoginAt(one, '/one');
    await expectLoginAt(two, '/two');
    await expectLoginAt(plain, '');
  });

  it('every address of the metadata document answers', async () => {
    const app = await startBrokerApp({ adapter, provider, imports: [mounted('account')] });
    onTestFinished(() => app.close());

    const document = (await request(`${app.url}/.well-known/openid-configuration`)).json();
    const endpoints = Object.entries(document).filter(([name]) => /_(endpoint|uri)$/.test(name));

    expect(document['issuer']).toBe(app.url);
    expect(endpoints.map(([name]) => name)).toEqual(
      expect.arrayContaining(['token_endpoint', 'jwks_uri', 'end_session_endpoint']),
    );
    for (const [name, url] of endpoints) {
      const method = /token|device|revocation/.test(name) ? 'POST' : 'GET';
      expect(String(url)).toContain(`${app.url}/account/auth/v2/`);
      expect([name, (await request(String(url), { method })).status]).not.toEqual([name, 404]);
    }
    const forPeers = await request(`${app.url}/auth/v2/.well-known/jwks.json`);
    expect(forPeers.status).toBe(200); // they know nothing but the issuer
  });

  it.each(parametric)(
    '%s stops start-up, and the message says how to mend it',
    async (_how, more) => {
      const started = startApp({ adapter, provider, ...more });

      await expect(started).rejects.toThrow(OidcConfigError);
      await expect(started).rejects.toThrow(
        /"[^"]*:[^"]*\/auth\/v2\/login".*RouterModule.*exclude/,
      );
    },
  );

  it('a global prefix with a parameter is no matter where our routes are excluded, or off', async () => {
    const excluded = await start({
      configure: (app) => void app.setGlobalPrefix(':tenant', { exclude: ['auth/v2/{*rest}'] }),
    });
    const off = {
      login: false,
      callback: false,
      token: false,
      device: false,
      logout: false,
    } as const;
    const routes = {
      ...off,
      userinfo: false,
      revoke: false,
      jwks: false,
      introspect: false,
      backchannelLogout: false,
    } as const;

    await expectLoginAt(excluded, '');
    const guarded = await start({ globalPrefix: ':tenant', options: { routes } });
    expect((await request(`${guarded.url}/acme/required`)).status).toBe(401);
  });

  it.each<[publicPath: string, options: Partial<AppOptions>, warned: string | undefined]>([
    ['/api', { globalPrefix: 'api' }, '/api/api/auth/v2/callback'],
    ['/api/', { globalPrefix: 'api' }, '/api/api/auth/v2/callback'],
    ['/x/api', { globalPrefix: '/api/' }, '/x/api/api/auth/v2/callback'],
    ['/account', { imports: [mounted('account')] }, '/account/account/auth/v2/callback'],
    ['/api', { options: { routes: { prefix: '/api' } } }, '/api/api/auth/v2/callback'],
    ['/api', {}, undefined],
    ['/auth', {}, undefined],
    ['', { globalPrefix: 'api' }, undefined],
    ['/console', { globalPrefix: 'api' }, undefined],
    ['/myapi', { globalPrefix: 'api' }, undefined],
  ])(
    'warns of a prefix that "publicUrl" (…%s) repeats, case %#',
    async (publicPath, more, warned) => {
      const publicUrl = `https://app.example.org${publicPath}`;

      const app = await start({ ...more, options: { ...more.options, publicUrl } });

      const warnings = app.logs().filter((line) => line.includes('"publicUrl"'));
      expect(warnings).toHaveLength(warned === undefined ? 0 : 1);
      if (warned !== undefined) expect(warnings[0]).toContain(`https://app.example.org${warned}`);
    },
  );
});
