import { describe, expect, it } from 'vitest';

import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { resolve, startUpMessage } from './config-error.js';

const provider = {
  clientId: 'my-client',
  discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
  audience: 'my-aud',
};
const staff = { ...provider, discoveryUrl: 'https://staff.example.org/' };
const whole = {
  publicUrl: 'https://app.example.org',
  encryptionKeys: ['canary-key-canary-key-canary-key-1'],
};
const broker = { audience: 'myapp-api', store: 'memory://' };
const start = (given: object) => resolve({ ...whole, ...given });
function asked(): never {
  throw new Error('asked');
}
const message = (given: object): string => startUpMessage(() => start(given));

describe('several identity providers', () => {
  it('are each made of their own options and the defaults', () => {
    const { providers } = start({
      timeoutMs: 4000,
      providers: {
        default: { ...provider, tokenAlgorithms: ['ES256'] },
        staff: { ...staff, timeoutMs: 2000, roles: ['clerk'], tokenScopes: 'read write' },
      },
    });

    expect(providers.several).toBe(true);
    expect(providers.list).toMatchObject([
      {
        name: 'default',
        title: 'default',
        timeoutMs: 4000,
        tokenAlgorithms: ['ES256'],
        scopes: ['openid', 'profile', 'email'],
        exchangeClients: ['my-client'],
        roles: undefined,
      },
      {
        name: 'staff',
        timeoutMs: 2000,
        roles: ['clerk'],
        tokenScopes: ['read', 'write'],
        expectedIssuers: ['https://staff.example.org', 'https://staff.example.org/'],
      },
    ]);
  });

  it('are not several when there is one', () => {
    expect(start({ providers: { staff } }).providers.several).toBe(false);
    expect(start(provider).providers).toMatchObject({
      several: false,
      list: [{ name: 'default' }],
    });
  });

  it('may be given by a function, which is not asked at start-up', () => {
    const { providers } = resolveOptions({ ...whole, providers: asked }, resolveRoutes());

    expect(providers).toMatchObject({ several: true, list: [], pollSec: 5 });
  });

  it('make no encryption keys of their secrets', () => {
    const secret = 'canary-secret-of-at-least-32-characters';

    expect(start({ providers: { staff: { ...staff, clientSecret: secret } } }).clientSecret).toBe(
      undefined,
    );
  });

  it('MP-1: bring no further issuers by their metadata', () => {
    const { providers } = start({ providers: { default: provider, staff } });

    expect(providers.list.map((one) => one.accessTokenIssuers)).toEqual([[], []]);
  });

  it.each([
    [
      'clientId at the top',
      { clientId: 'x' },
      /^Options "providers" and "clientId" are both there/,
    ],
    ['scopes at the top', { scopes: 'x' }, /^Options "providers" and "scopes" are both there/],
    ['no name', { providers: {} }, /^Option "providers" must be an object.*at least one/],
    ['a bad name', { providers: { 'Staff Room': staff } }, /^Option "providers" must be/],
    ['a list', { providers: [staff] }, /^Option "providers" must be/],
    ['no entry', { providers: { staff: 'x' } }, /^Option "providers\.staff" must be an object/],
    [
      'a missing option',
      { providers: { staff: { ...staff, audience: undefined } } },
      /^Option "providers\.staff\.audience" must be .*; got nothing/,
    ],
    [
      'an unusable endpoint',
      { providers: { staff: { ...staff, endpoints: { token: 'http://idp.example.org/' } } } },
      /^Option "providers\.staff\.endpoints\.token" must be/,
    ],
    [
      'an unknown option',
      { providers: { staff: { ...staff, clientID: 'x' } } },
      /^Unknown option "providers\.staff\.clientID"; did you mean "providers\.staff\.clientId"\?/,
    ],
    [
      'an unknown default',
      { defaultProvider: 'guests' },
      /^Option "defaultProvider" is "guests".*Known: default, staff/,
    ],
    [
      'unknown shared redirects',
      { sharedRedirects: 'guests' },
      /^Option "sharedRedirects" is "guests"/,
    ],
    [
      'a mark that refuses everything',
      { providers: { staff: { ...staff, audience: 'my-client', accessTokenMark: 'aud' } } },
      /^Option "providers\.staff\.accessTokenMark" is "aud"/,
    ],
    [
      'twins',
      { providers: { default: provider, staff: { ...provider, scopes: 'profile' } } },
      /^Options "providers\.default" and "providers\.staff" have the same issuer, audience and client/,
    ],
    [
      "another's issuer as its own further one",
      {
        providers: {
          default: provider,
          staff: { ...staff, accessTokenIssuers: ['https://idp.example.org'] },
        },
      },
      /^Option "providers\.staff\.accessTokenIssuers" holds "https:\/\/idp\.example\.org", which is the issuer of "providers\.default"/,
    ],
    [
      "a tenant's issuer of another one as its own further one",
      {
        providers: {
          default: { ...provider, tenants: ['6f2f0c55-tenant'] },
          staff: { ...staff, accessTokenIssuers: ['https://sts.example.org/6f2f0c55-tenant/'] },
        },
      },
      /"providers\.staff\.accessTokenIssuers" holds "[^"]*", which is of a tenant of "providers\.default"/,
    ],
    [
      'one further name of two providers',
      {
        providers: {
          default: { ...provider, accessTokenIssuers: ['http://adfs.example.org/trust'] },
          staff: { ...staff, accessTokenIssuers: ['http://adfs.example.org/trust'] },
        },
      },
      /accessTokenIssuers" holds "[^"]*", which is listed by "providers\.default" too/,
    ],
    [
      "another's issuer with keys from elsewhere",
      {
        providers: {
          default: provider,
          staff: { ...staff, clientId: 'x', issuer: 'https://idp.example.org' },
        },
      },
      /^Option "providers\.staff\.issuer" is "https:\/\/idp\.example\.org", which is that of "providers\.default"/,
    ],
    [
      "another's issuer with keys of its own",
      {
        providers: {
          default: provider,
          staff: { ...provider, clientId: 'x', jwksUri: 'https://staff.example.org/keys' },
        },
      },
      /^Option "providers\.staff\.jwksUri" is another place for the keys of "providers\.default"/,
    ],
    [
      'an option of broker that belongs to one',
      { broker: { ...broker, subjectClaim: 'email' } },
      /^Option "broker\.subjectClaim" belongs to one identity provider/,
    ],
    ['subject without broker', { subject: () => 'x' }, /^Option "subject" makes the "sub"/],
    ['slow polling', { providersPollSec: 11 }, /^Option "providersPollSec" must be/],
  ])('MP-2: stop start-up for %s', (_what, changes, expected) => {
    expect(message({ providers: { default: provider, staff }, ...changes })).toMatch(expected);
  });

  it.each(['defaultProvider', 'sharedRedirects', 'resolveProvider', 'providersPollSec'])(
    'are what %s needs',
    (option) => {
      const value = { resolveProvider: () => 'staff', providersPollSec: 5 }[option] ?? 'staff';

      expect(message({ ...provider, [option]: value })).toMatch(
        new RegExp(`^Option "${option}" needs "providers"`),
      );
    },
  );

  it('may share a further name where they share the issuer', () => {
    const accessTokenIssuers = ['http://adfs.example.org/trust'];
    const providers = {
      default: { ...provider, accessTokenIssuers },
      other: { ...provider, accessTokenIssuers, clientId: 'other' },
    };

    expect(start({ providers }).providers.list).toHaveLength(2);
  });

  it('may share an issuer and another place of its keys', () => {
    const jwksUri = 'https://mirror.example.org/keys';
    const providers = {
      default: { ...provider, jwksUri },
      other: { ...provider, jwksUri, clientId: 'other' },
    };

    expect(start({ providers }).providers.list).toHaveLength(2);
  });

  it('may differ in client or audience alone', () => {
    const providers = {
      default: provider,
      other: { ...provider, audience: 'other-aud' },
      third: { ...provider, clientId: 'third' },
    };

    expect(start({ providers }).providers.list).toHaveLength(3);
  });
});

describe('the option introspection', () => {
  const secret = { clientSecret: 'canary-secret-of-at-least-32-characters' };
  const of = (introspection: unknown) =>
    resolve({ ...whole, ...provider, ...secret, introspection }).introspection;
  const two = (one: unknown, other: unknown): string | undefined => {
    const providers = {
      default: { ...provider, ...secret, introspection: one },
      staff: { ...staff, ...secret, introspection: other },
    };
    try {
      start({ providers });
      return undefined;
    } catch (error) {
      return String(error);
    }
  };

  it('is completed', () => {
    expect(of(true)).toEqual({ cacheSec: 30, always: false, match: undefined });
    expect(of({ cacheSec: 60, always: true, match: /^x/ })).toEqual({
      cacheSec: 60,
      always: true,
      match: /^x/,
    });
    expect(of(false)).toBeUndefined();
  });

  it.each([
    ['cacheSec', 61],
    ['cacheSec', -1],
    ['match', ''],
    ['match', /x/g],
    ['match', /x/y],
    ['always', 'yes'],
  ])('refuses %s: %s', (name, value) => {
    const introspection = { [name]: value };

    expect(message({ ...provider, ...secret, introspection })).toMatch(
      new RegExp(`^Option "introspection.${name}" must be`),
    );
  });

  it('needs credentials of ours', () => {
    expect(message({ ...provider, introspection: true })).toMatch(
      /^Option "introspection" needs "clientSecret"/,
    );
  });

  it('IN-1: of several providers needs what tells their tokens apart', () => {
    expect(two({ match: 'a_' }, { match: 'b_' })).toBeUndefined();
    expect(two({ match: 'a_' }, false)).toBeUndefined();
    expect(two(true, { match: 'b_' })).toContain(
      '"providers.default.introspection.match" is missing',
    );
    expect(two({ match: 'a_' }, true)).toContain(
      '"providers.staff.introspection.match" is missing',
    );
    expect(two({ match: 'a_' }, { match: 'a_b' })).toContain('overlap');
    expect(two({ match: 'a_b' }, { match: 'a_' })).toContain('overlap');
    expect(two({ match: 'a_' }, { match: /^b_/ })).toBeUndefined();
  });
});
