import { describe, expect, it } from 'vitest';

import { removeOwnClaims, restrictClaims } from '../../../lib/tokens/restrict-claims.js';

type Claims = Record<string, unknown>;

function restricted(
  claims: Claims,
  { roles, scopes }: { roles?: readonly string[]; scopes?: readonly string[] } = {},
): Claims {
  const payload = structuredClone(claims);
  removeOwnClaims(payload);
  restrictClaims(payload, { roles, scopes }, ['ours']);
  return payload;
}

const everywhere = {
  sub: 'alice',
  roles: ['a', 'x'],
  groups: ['b'],
  realm_access: { roles: ['c'] },
  resource_access: { ours: { roles: ['d'] }, theirs: { roles: ['e'] } },
  'realm_access.roles': ['c'],
  'resource_access.ours.roles': ['d'],
  rolesets: ['a'],
};

describe('the claims of a peer’s token', () => {
  it('FD-4: never name a session or a provider of ours', () => {
    const claims = { sub: 'alice', sid: 's', idp: 'default', 'sid.x': 1, 'idp.name': 2, side: 3 };

    expect(restricted(claims)).toStrictEqual({ sub: 'alice', side: 3 });
  });

  it('FD-4: stay as they are where nothing limits them', () => {
    const claims = { ...everywhere, scope: 'openid', scp: ['x'] };

    expect(restricted(claims)).toStrictEqual(claims);
  });

  it.each<[roles: string[], left: string[]]>([
    [
      ['a', 'b', 'c', 'd', 'e'],
      ['c', 'b', 'a', 'd'],
    ],
    [['x'], ['x']],
    [['other'], []],
    [[], []],
  ])('FD-4: of the roles %j have %j, in one place', (roles, left) => {
    expect(restricted(everywhere, { roles })).toStrictEqual({
      sub: 'alice',
      rolesets: ['a'],
      roles: left,
    });
  });

  it.each<[claims: Claims, left: Claims]>([
    [{ scope: 'openid orders:read admin' }, { scope: 'openid orders:read' }],
    [{ scp: ['openid', 'admin'], 'scope.x': 'admin' }, { scope: 'openid' }],
    [{ scope: 'admin', scp: 'openid' }, { scope: '' }],
    [{ scope: '' }, { scope: '' }],
    [{ scopes: 'admin' }, { scopes: 'admin' }],
    [{}, {}],
  ])('FD-4: of the scopes in %j have %j', (claims, left) => {
    expect(restricted(claims, { scopes: ['openid', 'orders:read'] })).toStrictEqual(left);
  });
});
