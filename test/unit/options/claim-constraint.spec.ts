import { describe, expect, it } from 'vitest';

import { Auth } from '../../../lib/index.js';
import { resolveWith, startUpMessage } from './config-error.js';

/** Constraints that nobody can fail, or that no token can meet because they are none. */
const empty: [shown: string, claims: unknown][] = [
  ['[]', []],
  ['{}', {}],
  ["''", ''],
  ["['']", ['']],
  ["['staff', '']", ['staff', '']],
  ['{ roles: [] }', { roles: [] }],
  ["{ roles: '' }", { roles: '' }],
  ["{ roles: ['staff', ''] }", { roles: ['staff', ''] }],
  ["{ staff: ['a'], admins: [] }", { staff: ['a'], admins: [] }],
  ["{ '': ['staff'] }", { '': ['staff'] }],
  ['{ roles: null }', { roles: null }],
  ['{ roles: undefined }', { roles: undefined }],
  ['{ roles: [undefined] }', { roles: [undefined] }],
  ['{ roles: {} }', { roles: {} }],
  ["{ realm_access: { roles: ['staff'] } }", { realm_access: { roles: ['staff'] } }],
  ['{ age: NaN }', { age: Number.NaN }],
  ['[[]]', [[]]],
  ['[null]', [null]],
  ['true', true],
  ['7', 7],
  ['a function', () => true],
  ['{ roles: a function }', { roles: () => true }],
  ['{ roles: a symbol }', { roles: Symbol('staff') }],
];

const auth = (rule: unknown): unknown => Reflect.apply(Auth, undefined, [rule]);

describe('claim constraints at start-up', () => {
  it.each(empty)('CL-2: refuses the option claims: %s', (_shown, claims) => {
    const message = startUpMessage(() => resolveWith({ claims }));

    expect(message).toMatch(/^Option "claims/);
    expect(message).toMatch(/leave (it|the option) out|must be a mapping/);
  });

  it('CL-2: refuses the option claims: null', () => {
    expect(startUpMessage(() => resolveWith({ claims: null }))).toContain('Option "claims"');
  });

  it('CL-2: names the path whose values are empty', () => {
    const claims = { 'realm_access.roles': ['staff'], 'account.tier': [] };

    expect(startUpMessage(() => resolveWith({ claims }))).toContain('"claims.account.tier"');
  });

  it.each(empty)('CL-2: refuses @Auth({ claims: %s }) when the class is defined', (_, claims) => {
    expect(startUpMessage(() => auth({ claims }))).toContain('@Auth claims');
  });

  it.each([
    ['roles', []],
    ['roles', ''],
    ['roles', ['']],
    ['scopes', []],
    ['scopes', ''],
    ['scopes', ' '],
    ['scopes', ['']],
    ['scopes', ['a b']],
  ])('CL-2: refuses @Auth({ %s: %j })', (member, value) => {
    expect(startUpMessage(() => auth({ [member]: value }))).toContain(member);
  });

  it.each([
    ['roles', null],
    ['roles', 7],
    ['roles', {}],
    ['scopes', null],
    ['scopes', 7],
    ['scopes', {}],
    ['claims', null],
  ])('CL-2: refuses @Auth({ %s: %j }), which is no such demand', (member, value) => {
    expect(startUpMessage(() => auth({ [member]: value }))).toContain(member);
  });

  it.each(['scope', 'role', 'claim', 'public'])('CL-2: refuses @Auth({ %s }) by name', (member) => {
    const message = startUpMessage(() => auth({ [member]: ['x'] }));

    expect(message).toContain(member);
    expect(message).toContain(
      'scopes, anyScope, roles, anyRole, providers, claims, when, optional',
    );
  });

  it('CL-2: reads a mapping, a list and a single role', () => {
    expect(resolveWith({ claims: { 'realm_access.roles': 'staff', beta: true } }).claims).toEqual([
      { path: 'realm_access.roles', values: ['staff'] },
      { path: 'beta', values: [true] },
    ]);
    expect(resolveWith({ claims: ['a', 'b'] }).claims).toEqual([
      { path: undefined, values: ['a', 'b'] },
    ]);
    expect(resolveWith({ claims: 'a' }).claims).toEqual([{ path: undefined, values: ['a'] }]);
  });
});
