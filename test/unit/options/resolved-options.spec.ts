import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { Secret } from '../../../lib/options/secret.js';
import { goodOptions } from './config-error.js';

const CANARIES = [
  'canary-client-secret-of-32-characters',
  'canary-encryption-key-of-32-characters',
];

/** Every option that holds something. */
function fullOptions() {
  return {
    ...goodOptions,
    clientSecret: 'canary-client-secret-of-32-characters',
    encryptionKeys: ['canary-encryption-key-of-32-characters'],
    audience: ['my-aud'],
    scopes: ['myscope'],
    additionalScopes: ['more'],
    claims: { 'realm_access.roles': ['staff'] },
    allowedRedirectUris: ['https://client.example.org/cb'],
    loopbackRedirects: { paths: ['/callback'] },
    allowedPostLogoutRedirectUris: ['/bye'],
    grants: { device: false },
    authorizationParameters: { access_type: 'offline' },
    endpoints: { token: 'https://idp.example.org/token' },
    tenants: ['tenant-a'],
    tokenAlgorithms: ['RS256'],
    fetch: (url: string, init: RequestInit) => fetch(url, init),
    onLogin: () => undefined,
  };
}

function* objectsIn(value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return;
  yield value;
  for (const member of Object.values(value)) yield* objectsIn(member);
}

describe('resolved options', () => {
  it('AR-5: are frozen to their depths', () => {
    const resolved = resolveOptions(fullOptions(), resolveRoutes());

    const open = [...objectsIn(resolved)].filter((part) => !Object.isFrozen(part));

    expect([...objectsIn(resolved)].length).toBeGreaterThan(12);
    expect(open).toEqual([]);
  });

  it("AR-5: leave the host's object as it was, unfrozen, and share nothing with it", () => {
    const given = fullOptions();
    const { fetch: _fetch, onLogin: _onLogin, ...data } = given;
    const before = structuredClone(data);

    const resolved = resolveOptions(given, resolveRoutes());

    expect(given).toMatchObject(before);
    expect(Object.keys(given)).toEqual(Object.keys(fullOptions()));
    const own = new Set(objectsIn(given));
    expect([...own].filter((part) => Object.isFrozen(part))).toEqual([]);
    expect([...objectsIn(resolved)].filter((part) => own.has(part))).toEqual([]);
  });

  it('AR-5: do not follow later changes of the host', () => {
    const given = fullOptions();
    const resolved = resolveOptions(given, resolveRoutes());

    given.scopes.push('admin');
    given.allowedRedirectUris.push('https://evil.example/cb');
    given.loopbackRedirects.paths.push('/evil');
    given.claims['realm_access.roles'].pop();
    given.encryptionKeys.push('x');

    expect(resolved.providers.list[0]?.allowedScopes).not.toContain('admin');
    expect(resolved.allowedRedirectUris).toEqual(['https://client.example.org/cb']);
    expect(resolved.loopbackRedirects).toEqual({ paths: ['/callback'] });
    expect(resolved.claims).toEqual([{ path: 'realm_access.roles', values: ['staff'] }]);
    expect(resolved.encryptionKeys).toHaveLength(1);
  });

  it('AR-5: are the same from options that are frozen already', () => {
    const { fetch: _fetch, onLogin: _onLogin, ...given } = fullOptions();
    for (const part of objectsIn(given)) Object.freeze(part);

    expect(() => resolveOptions(given, resolveRoutes())).not.toThrow();
  });

  it('LG-1: show no secret, whichever way they are printed', () => {
    const resolved = resolveOptions(fullOptions(), resolveRoutes());

    const prints = [
      inspect(resolved, { depth: Infinity, showHidden: true }),
      inspect(resolved, { depth: Infinity, getters: true }),
      JSON.stringify(resolved),
      String(resolved.clientSecret),
      String(resolved.encryptionKeys),
      inspect({ ...resolved }),
    ];

    for (const print of prints) for (const canary of CANARIES) expect(print).not.toContain(canary);
    expect(prints[0]).toContain('[hidden]');
    expect(resolved.clientSecret?.reveal()).toBe(CANARIES[0]);
  });
});

describe('Secret', () => {
  it('LG-1: shows itself in no way but by reveal()', () => {
    const secret = new Secret('canary-value');

    const prints = [
      String(secret),
      `${String(secret)} ${secret.toString()}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect(secret, { showHidden: true, customInspect: false }),
      Object.entries(secret).join(),
      Reflect.ownKeys(secret).join(),
    ];

    expect(prints.join(' ')).not.toContain('canary');
    expect(secret.reveal()).toBe('canary-value');
  });
});
