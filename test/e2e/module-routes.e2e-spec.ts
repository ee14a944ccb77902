import {
  RequestMethod,
  VersioningType,
  type INestApplication,
  type VersioningOptions,
} from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { routeDefaults } from '../../lib/options/option-defaults.js';
import { routeNames } from '../../lib/options/resolve-routes.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  EMPTY_ANSWERS,
  askEmpty,
  expectLoginAt,
  expectRoutesAt,
} from '../support/mounted-routes.js';
import { UserAgent } from '../support/user-agent.js';

describe.each(adapters)('routes on %s', (adapter) => {
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

  it('each path can be changed, and the default one is gone', async () => {
    const routes = Object.fromEntries(routeNames.map((name) => [name, `/my/${name}-route.x`]));
    const app = await start({ options: { routes } });

    for (const name of routeNames) {
      const moved = await askEmpty(app, name, `/my/${name}-route.x`);
      expect(moved.status).toBe(EMPTY_ANSWERS[name][1]);
      expect(moved.headers.get('cache-control')).toBe('no-store');
      expect((await askEmpty(app, name, routeDefaults[name])).status).toBe(404);
    }
    const agent = new UserAgent();
    const callback = encodeURIComponent(`${app.url}/my/callback-route.x`);
    const reply = await agent.get(`${app.url}/my/login-route.x?redirect_uri=${callback}`);
    expect(reply.status).toBe(200);
  });

  it.each(routeNames)('%s can be switched off, and the others stay', async (name) => {
    const app = await start({ options: { routes: { [name]: false } } });

    for (const other of routeNames) {
      const { status } = await askEmpty(app, other, routeDefaults[other]);
      const goesToo = name === 'login' && other === 'providers'; // there is nothing to list then
      const off = name === 'device' ? 503 : 404; // clients then take their browser
      expect([other, status]).toEqual([
        other,
        other === name || goesToo ? off : EMPTY_ANSWERS[other][1],
      ]);
    }
  });

  it('all can be switched off, and guards work without publicUrl', async () => {
    const routes = Object.fromEntries(routeNames.map((name) => [name, false]));
    const app = await start({ options: { routes, publicUrl: undefined } });

    for (const name of routeNames) {
      expect((await askEmpty(app, name, routeDefaults[name])).status).toBe(404);
    }
    const bearer = provider.accessToken();
    expect((await request(`${app.url}/required`, { bearer })).status).toBe(200);
  });

  it('the option "routes.prefix" moves all of them', async () => {
    const app = await start({ options: { routes: { prefix: '/api/auth' } } });

    await expectRoutesAt(app, '/api/auth');
    await expectLoginAt(app, '/api/auth');
  });

  it.each(['api', '/api', '/api/', 'api/v7'])(
    'the global prefix %s counts',
    async (globalPrefix) => {
      const app = await start({ globalPrefix });
      const prefix = `/${globalPrefix.replace(/^\/|\/$/g, '')}`;

      await expectRoutesAt(app, prefix);
      await expectLoginAt(app, prefix);
      expect((await request(`${app.url}/auth/v2/login`)).status).toBe(404);
    },
  );

  it('a global prefix goes before "routes.prefix"', async () => {
    const app = await start({ globalPrefix: 'app', options: { routes: { prefix: '/oidc' } } });

    await expectRoutesAt(app, '/app/oidc');
    await expectLoginAt(app, '/app/oidc');
  });

  it.each<[string, Parameters<INestApplication['setGlobalPrefix']>[1]]>([
    ['by a pattern', { exclude: ['auth/{*rest}'] }],
    [
      'by path and method',
      {
        exclude: routeNames.map((name) => ({
          path: routeDefaults[name],
          method: RequestMethod.ALL,
        })),
      },
    ],
    [
      'by path and their own methods',
      {
        exclude: routeNames.map((name) => ({
          path: routeDefaults[name],
          method: EMPTY_ANSWERS[name][0] === 'GET' ? RequestMethod.GET : RequestMethod.POST,
        })),
      },
    ],
  ])('are where they are when a global prefix excludes them %s', async (_how, options) => {
    const app = await start({ configure: (host) => void host.setGlobalPrefix('api', options) });

    await expectRoutesAt(app, '');
    await expectLoginAt(app, '');
    expect((await request(`${app.url}/api/required`)).status).toBe(401);
  });

  it('a global prefix that excludes the callback alone counts for the callback alone', async () => {
    const app = await start({
      configure: (host) => void host.setGlobalPrefix('api', { exclude: ['auth/v2/callback'] }),
    });
    const agent = new UserAgent();
    const callback = encodeURIComponent(`${app.url}/auth/v2/callback`);

    const reply = await agent.get(`${app.url}/api/auth/v2/login?redirect_uri=${callback}`);

    expect(reply.status).toBe(200);
  });

  it.each<[string, VersioningOptions]>([
    ['URI', { type: VersioningType.URI, defaultVersion: '1' }],
    ['URI with a prefix', { type: VersioningType.URI, prefix: 'x', defaultVersion: ['1', '2'] }],
    ['header', { type: VersioningType.HEADER, header: 'X-Version', defaultVersion: '1' }],
    ['media type', { type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '1' }],
    ['custom', { type: VersioningType.CUSTOM, extractor: () => '1', defaultVersion: '1' }],
  ])('%s versioning does not move them', async (_kind, versioning) => {
    const app = await start({ configure: (host) => void host.enableVersioning(versioning) });

    await expectRoutesAt(app, '');
    await expectLoginAt(app, '');
  });

  it('URI versioning and a global prefix together', async () => {
    const app = await start({
      globalPrefix: 'api',
      configure: (host) => {
        host.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });

    await expectRoutesAt(app, '/api');
    await expectLoginAt(app, '/api');
    expect((await request(`${app.url}/api/v1/required`)).status).toBe(401);
  });
});
