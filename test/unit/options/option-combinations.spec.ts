import { describe, expect, it } from 'vitest';

import { resolveWith, startUpMessage } from './config-error.js';

describe('options that go together', () => {
  it.each([
    ['login', { callback: false, logout: false }],
    ['callback', { login: false, logout: false }],
    ['logout', { login: false, callback: false }],
    ['login', {}],
  ])('refuses a missing publicUrl while the route %s is on', (route, routes) => {
    const message = startUpMessage(() => resolveWith({ publicUrl: undefined }, routes));

    expect(message).toContain('Option "publicUrl" is missing');
    expect(message).toContain(`"${route}"`);
    expect(message).toContain('https://app.example.org');
  });

  it.each(['my-client', ['my-client']])(
    'JV-8: refuses "aud" as the mark of access tokens where the audience is the client id (%j)',
    (audience) => {
      const message = startUpMessage(() =>
        resolveWith({ clientId: 'my-client', audience, accessTokenMark: 'aud' }),
      );

      expect(message).toContain('Option "accessTokenMark" is "aud"');
      expect(message).toContain('"audience" is the client id (my-client)');
    },
  );

  it.each([['my-client', 'my-aud'], 'my-aud', false])(
    'JV-8: starts with "aud" as the mark of access tokens for the audience %j',
    (audience) => {
      const options = { clientId: 'my-client', audience, accessTokenMark: 'aud' };

      expect(resolveWith(options).accessTokenMark).toBe('aud');
    },
  );

  it('refuses "resource" written twice', () => {
    const message = startUpMessage(() =>
      resolveWith({
        resource: 'https://api.example.org/',
        authorizationParameters: { resource: 'https://api.example.org/' },
      }),
    );

    expect(message).toContain('Options "resource" and "authorizationParameters.resource"');
  });

  it('starts without publicUrl when login, callback and logout are off', () => {
    const routes = { login: false, callback: false, logout: false };

    expect(resolveWith({ publicUrl: undefined }, routes).publicUrl).toBeUndefined();
  });

  it.each(['http://app.example.org', 'http://10.0.0.1:3000', 'http://localhost.evil.example'])(
    'AR-4: refuses the publicUrl %s and names the way out',
    (publicUrl) => {
      const message = startUpMessage(() => resolveWith({ publicUrl }));

      expect(message).toContain('"publicUrl"');
      expect(message).toContain(publicUrl);
      expect(message).toContain('allowInsecureHttp');
    },
  );

  it.each([
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://[::1]:8080',
    'https://a.example/b',
  ])('AR-4: starts with the publicUrl %s', (publicUrl) => {
    expect(resolveWith({ publicUrl }).publicUrl).toBe(publicUrl);
  });

  it('AR-4: starts with http elsewhere when "allowInsecureHttp" is true, for every address', () => {
    const http = 'http://idp.internal';

    const resolved = resolveWith({
      allowInsecureHttp: true,
      publicUrl: 'http://app.internal',
      discoveryUrl: http,
      issuer: http,
      jwksUri: `${http}/jwks`,
      endpoints: { token: `${http}/token` },
      allowedRedirectUris: ['http://other.internal/cb'],
      allowedPostLogoutRedirectUris: ['http://other.internal/'],
    });

    expect(resolved.endpoints.token).toBe(`${http}/token`);
  });

  const http = 'http://idp.example.org/x';
  it.each<[option: string, changes: object]>([
    ['discoveryUrl', { discoveryUrl: http }],
    ['publicUrl', { publicUrl: http }],
    ['issuer', { issuer: http }],
    ['jwksUri', { jwksUri: http }],
    ['endpoints.token', { endpoints: { token: http } }],
    ['endpoints.authorization', { endpoints: { authorization: http } }],
    ['allowedRedirectUris', { allowedRedirectUris: [http] }],
    ['allowedPostLogoutRedirectUris', { allowedPostLogoutRedirectUris: [http] }],
    ['broker.issuer', { broker: { audience: 'a', issuer: http } }],
    ['broker.trustedIssuers', { broker: { audience: 'a', trustedIssuers: [http] } }],
    [
      'broker.trustedIssuers',
      {
        broker: { audience: 'a', trustedIssuers: [{ issuer: 'https://p.example', jwksUri: http }] },
      },
    ],
  ])('JW-4: refuses http outside loopback in %s, and names the way out', (option, changes) => {
    const message = startUpMessage(() => resolveWith(changes));

    expect(message).toMatch(new RegExp(`^Option "${option}" .*allowInsecureHttp: true`));
    const allowed = resolveWith({ ...changes, allowInsecureHttp: true });
    expect(allowed.allowInsecureHttp).toBe(true);
  });

  it('refuses a login that could never finish', () => {
    const message = startUpMessage(() =>
      resolveWith({ grants: { authorizationCode: false } }, { callback: false }),
    );

    expect(message).toContain('"grants.authorizationCode"');
    expect(message).toContain('"routes.callback"');
    expect(message).toContain('"routes.login"');
  });

  it.each(['client_secret_basic', 'client_secret_post'])(
    'TK-7: refuses %s without a client secret',
    (clientAuthentication) => {
      const message = startUpMessage(() =>
        resolveWith({ clientAuthentication, clientSecret: undefined }),
      );

      expect(message).toContain('"clientAuthentication"');
      expect(message).toContain('"clientSecret"');
    },
  );

  it('takes an explicit undefined as left out', () => {
    const resolved = resolveWith({
      scopes: undefined,
      timeoutMs: undefined,
      grants: { refresh: undefined, device: false },
      claims: undefined,
      onLogin: undefined,
    });

    expect(resolved.scopes).toEqual(['openid', 'profile', 'email']);
    expect(resolved.timeoutMs).toBe(10_000);
    expect(resolved.grants).toEqual({
      authorizationCode: true,
      refresh: true,
      device: false,
      exchange: false, // there is nothing to exchange for without a broker
    });
  });

  it.each([
    ['https://idp.example.org/realms/demo', '/realms/demo/.well-known/openid-configuration'],
    ['https://idp.example.org/realms/demo/', '/realms/demo/.well-known/openid-configuration'],
    ['https://idp.example.org', '/.well-known/openid-configuration'],
    [
      'https://idp.example.org/a/.well-known/openid-configuration?p=policy',
      '/a/.well-known/openid-configuration?p=policy',
    ],
    [
      'https://idp.example.org/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server',
    ],
  ])('completes the discovery URL %s', (discoveryUrl, path) => {
    expect(resolveWith({ discoveryUrl }).discoveryUrl).toBe(`https://idp.example.org${path}`);
  });

  it('always asks for openid, and never for a scope twice', () => {
    expect(resolveWith({ scopes: ['email', 'openid', 'email'] }).scopes).toEqual([
      'openid',
      'email',
    ]);
    expect(resolveWith({ scopes: '' }).scopes).toEqual(['openid']);
  });

  it('asks for no offline_access where it is switched off', () => {
    const resolved = resolveWith({ scopes: 'email offline_access', offlineAccess: false });

    expect(resolved.scopes).toEqual(['openid', 'email']);
  });
});
