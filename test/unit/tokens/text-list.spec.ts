import { describe, expect, it } from 'vitest';

import { claimAt } from '../../../lib/tokens/claim-path.js';
import { rolesOf, scopesOf } from '../../../lib/tokens/roles.js';
import { isScope, scopeWords, textList } from '../../../lib/tokens/text-list.js';

describe('lists of texts', () => {
  it.each<[value: unknown, list: readonly string[]]>([
    ['a', ['a']],
    ['', []],
    [
      ['a', '', 'b', 1, null, {}, ['c']],
      ['a', 'b'],
    ],
    [1, []],
    [undefined, []],
    [{ a: 'b' }, []],
  ])('JV-9: %j: %j', (value, list) => {
    expect(textList(value)).toEqual(list);
  });

  it.each([1, null, ['a'], '', 'a b', 'a"', 'a\\', 'a\u00e4', '\u0001a', 'a\n'])(
    'CL-1: %j is no scope',
    (value) => {
      expect(isScope(value)).toBe(false);
    },
  );

  it('CL-1: scopes are the words of a text, or the entries of a list that are single words', () => {
    expect(scopeWords('openid  a:b !#[]~ "x"')).toEqual(['openid', 'a:b', '!#[]~']);
    expect(scopeWords(['openid', 'a b', 1])).toEqual(['openid']);
    expect(scopeWords({ openid: true })).toEqual([]);
  });

  it('CL-1: "scp" counts where "scope" is absent or of another type', () => {
    expect(scopesOf({ scope: 'a', scp: 'b' })).toEqual(['a']);
    expect(scopesOf({ scope: [], scp: 'b' })).toEqual([]);
    expect(scopesOf({ scope: 1, scp: ['b'] })).toEqual(['b']);
    expect(scopesOf({})).toEqual([]);
  });

  it('CL-2: roles are texts, each once, and of other clients none', () => {
    const claims = {
      roles: ['a', 1, 'b'],
      groups: ['a', { name: 'x' }],
      realm_access: { roles: ['c'] },
      resource_access: { ours: { roles: ['d'] }, theirs: { roles: ['e'] }, odd: 'x' },
    };

    expect(rolesOf(claims, ['ours', 'odd', 'constructor', '__proto__'])).toEqual([
      'c',
      'a',
      'b',
      'd',
    ]);
    expect(rolesOf({}, ['ours'])).toEqual([]);
    expect(rolesOf({ resource_access: 'x', realm_access: ['y'] }, ['ours'])).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('CL-3: %s is at no path', (name) => {
    const claims: Record<string, unknown> = JSON.parse(`{"${name}":{"a":1},"b":{"${name}":2}}`);

    for (const path of [name, `${name}.a`, `b.${name}`]) {
      expect(claimAt(claims, path)).toBeUndefined();
    }
    expect(claimAt({ '': 1 }, '')).toBe(1);
  });
});
