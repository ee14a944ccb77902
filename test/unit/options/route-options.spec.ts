import { describe, expect, it } from 'vitest';

import { OidcAuthModule } from '../../../lib/index.js';
import { resolveRoutes, routeNames } from '../../../lib/options/resolve-routes.js';
import { goodOptions, startUpMessage } from './config-error.js';

const register = (routes: unknown): unknown =>
  Reflect.apply(OidcAuthModule.forRoot.bind(OidcAuthModule), undefined, [
    { ...goodOptions, routes },
  ]);

const paths: [value: unknown, shown: string][] = [
  ['login', '"login"'],
  ['', '""'],
  ['/', '"/"'],
  ['/login/', '"/login/"'],
  ['//login', '"//login"'],
  ['/\\login', String.raw`"/\\login"`],
  ['/log in', '"/log in"'],
  ['/login\n', String.raw`"/login\n"`],
  ['/login?x=1', '"/login?x=1"'],
  ['/login#x', '"/login#x"'],
  ['/:id', '"/:id"'],
  ['/*splat', '"/*splat"'],
  ['/{login}', '"/{login}"'],
  ['/(login)', '"/(login)"'],
  ['/[login]', '"/[login]"'],
  ['/login+', '"/login+"'],
  ['/login!', '"/login!"'],
  ['/caf\u00e9', '"/caf\u00e9"'],
  [true, 'true'],
  [null, 'null'],
  [7, '7'],
  [['/login'], '["/login"]'],
  [{ path: '/login' }, '{"path":"/login"}'],
];

describe('the option "routes"', () => {
  it.each(paths)('refuses a path %j at registration, whichever route it is for', (value, shown) => {
    for (const name of routeNames) {
      const message = startUpMessage(() => register({ [name]: value }));

      expect(message).toContain(`Option "routes.${name}" must be a plain path`);
      expect(message).toContain(`got ${shown}.`);
    }
  });

  it.each([['api'], ['/api/'], ['/'], [false], ['/:version'], [['/a', '/b']]])(
    'refuses routes.prefix: %j',
    (prefix) => {
      expect(startUpMessage(() => register({ prefix }))).toContain(
        'Option "routes.prefix" must be',
      );
    },
  );

  it.each(['sessions', 'metadataa', 'Login', 'constructor'])(
    'refuses the unknown route %s',
    (name) => {
      const message = startUpMessage(() => register({ [name]: '/x' }));

      expect(message).toContain(`Unknown option "routes.${name}"`);
      expect(message).toContain('routes.login, routes.callback, routes.token');
    },
  );

  it.each(['/.well-known/x', null, 1])(
    'refuses routes.metadata: %j, whose paths are fixed',
    (metadata) => {
      expect(startUpMessage(() => register({ metadata }))).toContain('"routes.metadata"');
    },
  );

  it.each([null, '/api', 7, true, ['/api']])('refuses %j in its place', (routes) => {
    expect(startUpMessage(() => register(routes))).toMatch(/"routes/);
  });

  it('refuses two routes at one path', () => {
    const message = startUpMessage(() => register({ login: '/same', token: '/same' }));

    expect(message).toContain('"routes.login"');
    expect(message).toContain('"routes.token"');
    expect(message).toContain('"/same"');
  });

  it('refuses two routes whose paths differ in case alone, which Express does not tell apart', () => {
    const message = startUpMessage(() => register({ login: '/same', logout: '/SAME' }));

    expect(message).toContain('"routes.logout"');
  });

  it('puts the prefix before every path and drops what is off', () => {
    const routes = resolveRoutes({ prefix: '/api', login: '/in', device: false });

    expect(routes).toEqual({
      apiTag: 'auth',
      login: '/api/in',
      callback: '/api/auth/v2/callback',
      token: '/api/auth/v2/token',
      logout: '/api/auth/v2/logout',
      userinfo: '/api/auth/v2/userinfo',
      revoke: '/api/auth/v2/revoke',
      jwks: '/api/auth/v2/.well-known/jwks.json',
      clientJwks: '/api/auth/v2/.well-known/client-jwks.json',
      introspect: '/api/auth/v2/introspect',
      backchannelLogout: '/api/auth/v2/backchannel-logout',
      providers: '/api/auth/v2/providers',
      listsProviders: false,
      metadata: true,
      prefix: '/api',
      noDevice: '/api/auth/v2/device',
    });
    expect(Object.isFrozen(routes)).toBe(true);
  });
});
