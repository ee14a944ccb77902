import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OidcConfigError } from '../../../lib/errors/oidc-config.error.js';
import type { ClaimConstraint } from '../../../lib/options/claim-constraint.js';
import { checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { OAuthError } from '../../../lib/errors/oauth.error.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../../support/misbehaving-provider.js';
import { buildVerifier, type TestVerifier } from '../../support/verifier.js';

let provider: MisbehavingProvider;
let verifier: TestVerifier;

beforeAll(async () => {
  provider = await startMisbehavingProvider({ algorithms: ['EdDSA'] });
  verifier = buildVerifier(provider);
});

afterAll(() => provider.close());

/** Nobody's roles, but for what a test adds. */
const nothing = {
  realm_access: undefined,
  resource_access: undefined,
  groups: undefined,
  roles: undefined,
};

const URL_CLAIM = 'https://example.org/roles';

type Case = readonly [kind: string, claims: ClaimConstraint, token: Record<string, unknown>];

const met: readonly Case[] = [
  ['a path', { 'realm_access.roles': ['admin'] }, { realm_access: { roles: ['x', 'admin'] } }],
  ['a deep path', { 'a.b.c': 'x' }, { a: { b: { c: 'x' } } }],
  ['all values', { 'a.b': ['x', 'y'] }, { a: { b: ['y', 'z', 'x'] } }],
  ['several claims', { a: 'x', b: [1] }, { a: 'x', b: 1 }],
  ['a number', { level: 2 }, { level: 2 }],
  ['a boolean', { email_verified: true }, { email_verified: true }],
  ['false', { guest: false }, { guest: false }],
  ['zero', { level: 0 }, { level: 0 }],
  ['a claim name with dots', { 'org.example.role': 'admin' }, { 'org.example.role': 'admin' }],
  ['a claim name that is a URL', { [URL_CLAIM]: 'admin' }, { [URL_CLAIM]: ['admin'] }],
  ['a role of the realm, as text', 'admin', { realm_access: { roles: ['admin'] } }],
  ['a role in "roles", as list', ['admin'], { roles: ['admin'] }],
  ['a group', ['admin'], { groups: ['admin'] }],
  ['a role of our client', ['admin'], { resource_access: { 'my-client': { roles: ['admin'] } } }],
  ['a group as text', ['admin'], { groups: 'admin' }],
  ['a role as text', ['admin'], { roles: 'admin' }],
  ['a group as text, by its claim', { groups: ['admin'] }, { groups: 'admin' }],
  ['a role of the realm that is one text', 'admin', { realm_access: { roles: 'admin' } }],
  ['a path to one text', { 'realm_access.roles': 'admin' }, { realm_access: { roles: 'admin' } }],
  [
    'a role of our client that is one text',
    ['admin'],
    { resource_access: { 'my-client': { roles: 'admin' } } },
  ],
  ['a group among other things', ['admin'], { groups: [1, null, 'admin', {}] }],
  ['a scope as text', { scope: 'admin' }, { scope: 'openid admin' }],
  ['a scope as list', { scope: ['admin', 'openid'] }, { scope: ['openid', 'admin'] }],
  ['all scopes in one text', { scope: 'openid admin' }, { scope: 'openid admin' }],
  ['an scp as text', { scp: 'admin' }, { scp: 'openid admin' }],
  ['an scp as list', { scp: 'admin' }, { scp: ['openid', 'admin'] }],
  ['"true" for a flag', { email_verified: true }, { email_verified: 'true' }],
  ['"false" for a flag', { email_verified: false }, { email_verified: 'false' }],
  [
    'a flag of a telephone number',
    { phone_number_verified: true },
    { phone_number_verified: 'TRUE' },
  ],
  ['one method as text', { amr: 'otp' }, { amr: 'otp' }],
  ['roles of several claims', ['a', 'b'], { groups: ['a'], realm_access: { roles: ['b'] } }],
];

const unmet: readonly Case[] = [
  ['a role of another client', ['admin'], { resource_access: { other: { roles: ['admin'] } } }],
  ['that name as a client', ['admin'], { resource_access: { admin: { roles: ['x'] } } }],
  ['a plain role for a path', { 'realm_access.roles': ['admin'] }, { roles: ['admin'] }],
  ['a group for a path', { 'realm_access.roles': ['admin'] }, { groups: ['admin'] }],
  [
    'a path of another client',
    { 'resource_access.a.roles': 'x' },
    { resource_access: { b: { roles: ['x'] } } },
  ],
  ['one of two values', { 'a.b': ['x', 'y'] }, { a: { b: ['x'] } }],
  ['one of two claims', { a: 'x', b: 'y' }, { a: 'x' }],
  ['another case', { role: 'admin' }, { role: 'Admin' }],
  ['another case of the path', { Role: 'admin' }, { role: 'admin' }],
  ['a longer value', { role: 'admin' }, { role: 'administrator' }],
  ['a text with the value in it', { role: 'admin' }, { role: 'user admin' }],
  ['a text for a number', { level: 1 }, { level: '1' }],
  ['a number for a text', { level: '1' }, { level: 1 }],
  ['true for a text', { flag: 'true' }, { flag: true }],
  ['a number for a boolean', { flag: true }, { flag: 1 }],
  ['an object with that member', { role: 'admin' }, { role: { admin: true } }],
  ['an object that looks like a list', { role: 'admin' }, { role: { 0: 'admin', length: 1 } }],
  ['a list in a list', { role: 'admin' }, { role: [['admin']] }],
  ['an absent claim', { role: 'admin' }, {}],
  ['null', { role: 'admin' }, { role: null }],
  ['a path through a text', { 'role.length': 5 }, { role: 'admin' }],
  ['a path through a list', { 'role.0': 'admin' }, { role: ['admin'] }],
  ['the length of a list', { 'role.length': 1 }, { role: ['admin'] }],
  ['groups in one text', ['admin'], { groups: 'user admin' }],
  ['groups in one text with a comma', ['admin'], { groups: 'user,admin' }],
  ['roles in a list of lists', ['admin'], { roles: [['admin']] }],
  ['roles that are objects', ['admin'], { roles: [{ name: 'admin' }] }],
  ['a scope as part of a word', { scope: 'admin' }, { scope: 'administrator super-admin' }],
  ['one of two scopes', { scope: ['admin', 'other'] }, { scope: 'openid admin' }],
  ['a scope within an entry of a list', { scp: 'admin' }, { scp: ['openid admin'] }],
  ['a text for a flag', { email_verified: true }, { email_verified: 'yes' }],
  ['"false" for true', { email_verified: true }, { email_verified: 'false' }],
  ['"true" for false', { email_verified: false }, { email_verified: 'true' }],
  ["a text for a flag of nobody's specification", { flag: true }, { flag: 'true' }],
  ['roles that are an object', ['admin'], { roles: { admin: true } }],
  ['a scope of that name', ['admin'], { scope: 'admin' }],
];

describe('claim constraints', () => {
  it.each(met)('CL-2: accepts %s', async (_kind, claims, token) => {
    const bearer = provider.accessToken({ ...nothing, ...token });

    expect(await verifier.outcome(bearer, { claims })).toBe('accepted');
  });

  it.each(unmet)('CL-2: refuses %s', async (_kind, claims, token) => {
    const bearer = provider.accessToken({ ...nothing, ...token });

    expect(await verifier.outcome(bearer, { claims })).toBe('403 insufficient_scope');
  });

  it('CL-2: says "claims", and neither the demand nor what the token holds', async () => {
    const token = provider.accessToken({ role: 'guest-role' });
    const rule = { claims: { role: 'wanted-role' } };

    const refusal = await verifier.verify(token, rule).catch((error: unknown) => error);

    if (!(refusal instanceof OAuthError)) throw new Error('not refused');
    expect(refusal.description).toContain('claims');
    expect(JSON.stringify(refusal.getResponse())).not.toMatch(/guest-role|wanted-role/);
  });

  it.each<[string, unknown]>([
    ['an empty list', []],
    ['an empty mapping', {}],
    ['an empty text', ''],
    ['a list with an empty text', ['']],
    ['a list in a list', [['admin']]],
    ['null', null],
    ['true', true],
    ['a number', 1],
    ['a claim with an empty list', { role: [] }],
    ['a claim with an empty text', { role: '' }],
    ['a claim without value', { role: undefined }],
    ['a claim with null', { role: null }],
    ['a claim with a mapping', { role: { admin: true } }],
    ['a claim with NaN', { level: Number.NaN }],
    ['a claim without name', { '': 'admin' }],
    ['one empty claim of two', { role: 'admin', level: [] }],
    ['a flag as text, which no claim would ever equal', { email_verified: 'true' }],
    ['a flag in a list, as text', { phone_number_verified: ['true'] }],
  ])('CL-2: stops %s as a constraint at start-up', (_kind, claims) => {
    const rule: object = { claims };
    const options: object = { claims };

    expect(() => checkAuthRule(rule)).toThrow(OidcConfigError);
    expect(() => buildVerifier(provider, { options })).toThrow(OidcConfigError);
  });

  it.each<[string, object]>([
    ['an empty list of roles', { roles: [] }],
    ['an empty role', { roles: '' }],
    ['roles that are a number', { roles: 1 }],
    ['a misspelt member', { role: 'admin' }],
  ])('CL-2: stops a rule with %s at start-up', (_kind, rule) => {
    expect(() => checkAuthRule(rule)).toThrow(OidcConfigError);
  });
});
