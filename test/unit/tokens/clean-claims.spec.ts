import { describe, expect, it } from 'vitest';

import { cleanClaims } from '../../../lib/tokens/clean-claims.js';
import { startVerifier } from '../../support/verifier.js';

/** A claim as it comes, what everybody reads, and the type that is told of; `undefined`: absent, and: nothing is told. */
type Row = readonly [claim: string, came: unknown, read: unknown, told?: string];

const texts = (
  'name given_name family_name middle_name nickname preferred_username profile picture website email gender ' +
  'birthdate zoneinfo locale phone_number acr'
).split(' ');
const lists = ['amr', 'groups', 'roles', 'entitlements'];
const flags = ['email_verified', 'phone_number_verified'];
const times = ['updated_at', 'auth_time'];

const rows: readonly Row[] = [
  ...texts.flatMap((claim): Row[] => [
    [claim, 'x', 'x'],
    [claim, '', ''],
    [claim, ['x'], undefined, 'list'],
    [claim, { x: 1 }, undefined, 'object'],
    [claim, 7, undefined, 'number'],
    [claim, true, undefined, 'boolean'],
    [claim, null, undefined],
  ]),
  ...flags.flatMap((claim): Row[] => [
    [claim, true, true],
    [claim, false, false],
    [claim, 'true', true],
    [claim, 'false', false],
    [claim, 'True', true],
    [claim, 'FALSE', false],
    [claim, '1', undefined, 'text'],
    [claim, 'yes', undefined, 'text'],
    [claim, '', undefined, 'text'],
    [claim, ' true', undefined, 'text'],
    [claim, 1, undefined, 'number'],
    [claim, 0, undefined, 'number'],
    [claim, [true], undefined, 'list of other things than texts'],
    [claim, null, undefined],
  ]),
  ...times.flatMap((claim): Row[] => [
    [claim, 1_700_000_000, 1_700_000_000],
    [claim, 1_700_000_000.5, 1_700_000_000.5],
    [claim, '1700000000', 1_700_000_000],
    [claim, '2023-11-14T22:13:20.000Z', 1_700_000_000],
    [claim, '2023-11-14T23:13:20+01:00', 1_700_000_000],
    [claim, '2023-99-99T99:99:99Z', undefined, 'text'],
    [claim, 'yesterday', undefined, 'text'],
    [claim, '1e3', undefined, 'text'],
    [claim, '', undefined, 'text'],
    [claim, 'x2023-11-14T22:13:20Z', undefined, 'text'],
    [claim, '2023-11-14T22:13:20Zx', undefined, 'text'],
    [claim, ['2023-11-14T22:13:20Z'], undefined, 'list'],
    [claim, ['1700000000'], undefined, 'list'],
    [claim, true, undefined, 'boolean'],
    [claim, {}, undefined, 'object'],
    [claim, null, undefined],
  ]),
  ...lists.flatMap((claim): Row[] => [
    [claim, ['x', 'y'], ['x', 'y']],
    [claim, [], []],
    [claim, 'x', ['x']],
    [claim, 'x y,z', ['x y,z']],
    [claim, '', []],
    [claim, ['x', 7], ['x', 7], 'list of other things than texts'],
    [claim, [{ name: 'x' }], [{ name: 'x' }], 'list of other things than texts'],
    [claim, { x: true }, undefined, 'object'],
    [claim, 7, undefined, 'number'],
    [claim, null, undefined],
  ]),
  ['scope', 'a b', 'a b'],
  ['scope', ' a   b ', 'a b'],
  ['scope', '', ''],
  ['scope', ['a', 'b'], 'a b'],
  ['scope', ['a', 7, 'b c'], 'a', 'list of other things than texts'],
  ['scope', [7], undefined, 'list of other things than texts'],
  ['scope', { a: true }, undefined, 'object'],
  ['scope', null, undefined],
  ['scp', 'a b', 'a b'],
  ['scp', ['a', 'b'], ['a', 'b']],
  ['scp', { a: true }, undefined, 'object'],
  ['address', { locality: 'x' }, { locality: 'x' }],
  ['address', 'x', undefined, 'text'],
  ['address', ['x'], undefined, 'list'],
  ['realm_access', 'x', undefined, 'text'],
  ['realm_access', { other: 1 }, { other: 1 }],
  ['realm_access', { roles: 'x' }, { roles: ['x'] }],
  ['resource_access', ['x'], undefined, 'list'],
  ['resource_access', { a: { roles: 'x' }, b: 'y' }, { a: { roles: ['x'] }, b: 'y' }],
  ['tenant', { any: ['thing'] }, { any: ['thing'] }],
  ['is_admin', 'false', 'false'],
  ['permissions', 'x', 'x'],
  ['sub', 7, 7],
];

describe('claims whose type a specification fixes', () => {
  const cases = rows.map(([claim, came, read, told]) => ({ claim, came, read, told }));

  it.each(cases)('JV-9: $claim: $came is read as $read', ({ claim, came, read, told }) => {
    const claims: Record<string, unknown> = { [claim]: came };
    const seen: string[][] = [];

    cleanClaims(claims, (...mistyped) => seen.push(mistyped));

    expect(claims).toEqual(read === undefined ? {} : { [claim]: read });
    expect(seen).toEqual(told === undefined ? [] : [[claim, told]]);
  });

  it.each([
    [
      'realm_access.roles',
      { realm_access: { roles: 7, other: 1 } },
      { realm_access: { other: 1 } },
    ],
    [
      'resource_access.*.roles',
      { resource_access: { a: { roles: { x: true } } } },
      { resource_access: { a: {} } },
    ],
  ])('JV-9: %s is cleaned like roles', (name, claims: Record<string, unknown>, cleaned) => {
    const seen: string[] = [];

    cleanClaims(claims, (claim) => seen.push(claim));

    expect(claims).toEqual(cleaned);
    expect(seen).toEqual([name]);
  });

  it('CL-3: nothing of Object.prototype is read, written or told of', () => {
    const claims: Record<string, unknown> = JSON.parse(
      '{"__proto__": {"email": 7}, "resource_access": {"__proto__": {"roles": "x"}}}',
    );
    const seen: string[] = [];

    cleanClaims(claims, (claim) => seen.push(claim));

    expect(JSON.stringify(claims)).toBe(
      '{"__proto__":{"email":7},"resource_access":{"__proto__":{"roles":["x"]}}}',
    );
    expect(seen).toEqual([]);
  });
});

it('JV-9: claims that are absent stay absent', () => {
  const claims = { sub: 'alice' };
  cleanClaims(claims, () => undefined);

  expect(claims).toStrictEqual({ sub: 'alice' });
});

describe('what a handler is given of an access token', () => {
  it('JV-9: is in the types that are documented, and the log names once what could not be used', async () => {
    const { provider, verifier } = await startVerifier();
    const told = verifier.record('claim-mistyped');
    const claims = {
      email_verified: 'false',
      scope: ['openid', 'a'],
      roles: 'admins',
      groups: 'team-a',
      realm_access: { roles: 'staff' },
      preferred_username: ['alice'],
    };

    const read = await verifier.verify(provider.accessToken(claims), {
      scopes: 'a',
      roles: ['admins', 'team-a', 'staff'],
      claims: { email_verified: false, groups: 'team-a', scope: 'a' },
    });
    await verifier.verify(provider.accessToken(claims));

    expect(read).toMatchObject({
      email_verified: false,
      scope: 'openid a',
      roles: ['admins'],
      groups: ['team-a'],
      realm_access: { roles: ['staff'] },
    });
    expect(read).not.toHaveProperty('preferred_username');
    expect(told).toHaveLength(2); // once for each token; the log says it once
    expect(told[0]).toEqual({
      provider: 'default',
      source: `access token of ${provider.issuer}`,
      claim: 'preferred_username',
      came: 'list',
    });
  });
});
