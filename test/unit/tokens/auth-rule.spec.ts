import { describe, expect, it } from 'vitest';

import {
  type AuthRule,
  type CheckedAuthRule,
  checkAuthRule,
  sumOfRules,
} from '../../../lib/tokens/auth-rule.js';
import { startUpMessage } from '../options/config-error.js';

const messageFor = (rule: unknown): string =>
  startUpMessage(() => Reflect.apply(checkAuthRule, undefined, [rule]));

describe('a rule of @Auth() with a mistake', () => {
  it.each([
    ['scope', 'scopes'],
    ['role', 'roles'],
    ['any_role', 'anyRole'],
    ['anyRoles', 'anyRole'],
    ['anyScopes', 'anyScope'],
    ['claim', 'claims'],
    ['optionnal', 'optional'],
    ['wehn', 'when'],
  ])('is refused at start-up: %s, where %s was meant', (member, meant) => {
    expect(messageFor({ [member]: ['admins'] })).toContain(
      `@Auth({ ${member} }) is unknown; did you mean "${meant}"? Known: scopes, `,
    );
  });

  it.each(['permissions', 'constructor', 'public'])('is refused at start-up: %s', (member) => {
    expect(messageFor({ [member]: ['admins'] })).toContain(
      `@Auth({ ${member} }) is unknown. Known: scopes, `,
    );
  });

  it.each([
    ['admins', 'got a string.'],
    [['admins'], 'got a list.'],
    [null, 'got null.'],
    [true, 'got a boolean.'],
  ])('is refused at start-up: %j in the place of an object', (rule, shown) => {
    expect(messageFor(rule)).toContain(shown);
  });
});

const nothing: CheckedAuthRule = {
  scopes: [],
  anyScopes: [],
  demands: [],
  anyRoles: [],
  providers: undefined,
  defaultClaims: true,
  acrs: [],
  maxAgeSec: undefined,
  conditions: [],
  optional: false,
  logsIn: false,
};
const when = (): boolean => true;
const staff = { path: 'realm_access.roles', values: ['staff'] };

describe('a rule of @Auth()', () => {
  it.each<[rule: AuthRule, read: Partial<CheckedAuthRule>]>([
    [{}, {}],
    [{ scopes: 'a  b ' }, { scopes: ['a', 'b'] }],
    [{ scopes: ['a', 'b'] }, { scopes: ['a', 'b'] }],
    [{ anyScope: 'a b' }, { anyScopes: [['a', 'b']] }],
    [{ roles: 'a b' }, { demands: [{ path: undefined, values: ['a b'] }] }],
    [{ roles: ['a', 'b'] }, { demands: [{ path: undefined, values: ['a', 'b'] }] }],
    [{ anyRole: 'a' }, { anyRoles: [['a']] }],
    [{ anyRole: ['a', 'b'] }, { anyRoles: [['a', 'b']] }],
    [{ claims: { 'realm_access.roles': ['staff'] } }, { demands: [staff], defaultClaims: false }],
    [{ claims: false }, { defaultClaims: false }],
    [{ acr: 'gold  silver ' }, { acrs: [['gold', 'silver']] }],
    [{ acr: ['urn:x:gold'] }, { acrs: [['urn:x:gold']] }],
    [{ maxAgeSec: 300 }, { maxAgeSec: 300 }],
    [{ when }, { conditions: [when] }],
    [{ optional: true }, { optional: true }],
    [{ optional: false }, {}],
    [
      { roles: 'a', claims: { 'realm_access.roles': ['staff'] } },
      { demands: [{ path: undefined, values: ['a'] }, staff], defaultClaims: false },
    ],
  ])('%j is read as %j', (rule, read) => {
    expect(checkAuthRule(rule)).toMatchObject({ ...nothing, ...read });
  });

  it.each<[member: string, value: unknown, shown: string]>([
    ['scopes', '', '@Auth({ scopes }) is empty or holds something that is no scope'],
    ['scopes', ' ', '@Auth({ scopes }) is empty'],
    ['scopes', [], '@Auth({ scopes }) is empty'],
    ['scopes', ['a', 'b c'], '@Auth({ scopes }) is empty'],
    ['scopes', ['a', 1], '@Auth({ scopes }) is empty'],
    ['scopes', 7, '@Auth({ scopes }) is empty'],
    ['anyScope', {}, '@Auth({ anyScope }) is empty'],
    ['roles', [], '@Auth roles'],
    ['anyRole', [], '@Auth anyRole'],
    ['claims', {}, '@Auth claims'],
    ...['', ' ', [], ['gold', 1], ['a b'], ['a"b'], ['ä'], ['x'.repeat(256)], 7, null, {}].map(
      (value): [string, unknown, string] => ['acr', value, '@Auth({ acr }) is empty or holds'],
    ),
    ['maxAgeSec', 0, 'must be a whole number of seconds, 1 at least; got 0.'],
    ['maxAgeSec', -1, 'got -1.'],
    ['maxAgeSec', 0.5, 'got 0.5.'],
    ['maxAgeSec', Infinity, 'got Infinity.'],
    ['maxAgeSec', NaN, 'got NaN.'],
    ['maxAgeSec', '300', 'got string.'],
    ['maxAgeSec', null, 'got object.'],
    ['when', 'x', '@Auth({ when }) must be a function (claims, context) => boolean; got string.'],
    ['when', null, '@Auth({ when }) must be a function (claims, context) => boolean; got null.'],
  ])('is refused at start-up with %s: %j', (member, value, shown) => {
    expect(messageFor({ [member]: value })).toContain(shown);
  });

  it('adds up with others: whoever meets the sum meets each of them', () => {
    const rules: AuthRule[] = [
      { scopes: 'a b', anyScope: 'x', roles: 'r', optional: true, acr: 'x y', maxAgeSec: 60 },
      { scopes: 'b c', anyScope: 'y', anyRole: 's', claims: false, when, optional: true },
      { acr: 'y', maxAgeSec: 300, optional: true },
    ];

    expect(sumOfRules(rules.map(checkAuthRule))).toEqual({
      scopes: ['a', 'b', 'c'],
      anyScopes: [['x'], ['y']],
      demands: [{ path: undefined, values: ['r'] }],
      anyRoles: [['s']],
      defaultClaims: false,
      acrs: [['x', 'y'], ['y']],
      maxAgeSec: 60,
      conditions: [when],
      optional: true,
      logsIn: false,
    });
    expect(sumOfRules([{ optional: true }].map(checkAuthRule)).optional).toBe(true);
    const loggingIn = sumOfRules([{}, { onUnauthenticated: 'login' } as const].map(checkAuthRule));
    expect(loggingIn.logsIn).toBe(true);
    expect(sumOfRules([{ optional: true }, {}].map(checkAuthRule)).optional).toBe(false);
    expect(sumOfRules([{ claims: false } as const, {}].map(checkAuthRule)).defaultClaims).toBe(
      false,
    );
    expect(sumOfRules([])).toEqual(nothing);
  });
});
