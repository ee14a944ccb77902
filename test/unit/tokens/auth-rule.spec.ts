import { describe, expect, it } from 'vitest';

import { checkAuthRule } from '../../../lib/tokens/auth-rule.js';
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
