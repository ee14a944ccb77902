import { describe, expect, it } from 'vitest';

import type { ClaimsMapper, ProviderClaims } from '../../../lib/index.js';
import { rolesOf } from '../../../lib/tokens/roles.js';
import { type Said, startCollector } from '../../support/claims-collector.js';
import type { JsonMembers } from '../../support/compact-jws.js';
import { capturedLogs } from '../../support/output-capture.js';
import { TEST_CLIENT_ID } from '../../support/provider-options.js';
import { alice } from '../../support/users.js';

/** Mappers that hand on what they are given. */
const handingOn: [how: string, mapper: ClaimsMapper][] = [
  ['(c) => c', (claims) => claims],
  ['(c) => ({ ...c })', (claims) => ({ ...claims })],
  ['a deep copy', (claims) => structuredClone({ ...claims })],
  ['a copy by way of JSON, later', async (claims) => JSON.parse(JSON.stringify(claims))],
];

/** What the three say of the user; `access: 'opaque'`: it says nothing. */
interface Row {
  readonly what: string;
  readonly access: JsonMembers | 'opaque';
  readonly id?: JsonMembers;
  readonly userinfo: JsonMembers;
}

const none = { realm_access: undefined, resource_access: undefined, groups: undefined };
const everywhere = {
  roles: ['root'],
  groups: ['root'],
  realm_access: { roles: ['root'] },
  resource_access: { [TEST_CLIENT_ID]: { roles: ['root'] } },
};

const rows: readonly Row[] = [
  { what: 'userinfo has roles beside an access token that has', access: {}, userinfo: everywhere },
  {
    what: 'userinfo has roles beside an access token that has none',
    access: none,
    userinfo: everywhere,
  },
  {
    what: 'the ID token has roles beside an access token that has none',
    access: none,
    id: everywhere,
    userinfo: {},
  },
  {
    what: 'userinfo has roles beside an ID token that has',
    access: 'opaque',
    id: { groups: ['team-a'] },
    userinfo: everywhere,
  },
  { what: 'all have the same', access: everywhere, id: everywhere, userinfo: everywhere },
  {
    what: 'several claims of one source make the roles',
    access: { roles: ['a'], groups: ['b'], realm_access: { roles: ['c'] } },
    userinfo: everywhere,
  },
  {
    what: 'another address is verified than the one of the token',
    access: { email: 'other@example.org' },
    id: { email: alice.email, email_verified: true },
    userinfo: { email: 'third@example.org', email_verified: true },
  },
  { what: 'an address is not verified', access: {}, userinfo: { email_verified: false } },
];

/** What is minted with this mapper, and what the guard makes of it. */
async function mintedWith(mapper: ClaimsMapper | undefined, row: Row): Promise<ProviderClaims> {
  const { provider, claims } = await startCollector(
    mapper === undefined ? {} : { mapClaims: mapper },
    { claims: { only_userinfo_says: true } }, // so that it is asked
  );
  provider.behaviour.userinfo = ({ sub }) => ({ sub, only_userinfo_says: true, ...row.userinfo });
  const said: Said = {
    accessToken: row.access === 'opaque' ? 'opaque' : provider.accessToken(row.access),
    idToken: { sub: alice.sub, ...row.id },
  };
  const minted = await claims(said);
  expect(provider.requestsTo('userinfo')).toHaveLength(1);
  return minted;
}

describe.each(rows)('mapClaims that only hands on, where $what', (row) => {
  it.each(handingOn)(
    'CL-2: gives nobody more rights and no other address: %s',
    async (_, mapper) => {
      const without = await mintedWith(undefined, row);

      const minted = await mintedWith(mapper, row);

      expect(minted).toMatchObject(without);
      for (const name of ['email', 'email_verified', 'preferred_username'] as const) {
        expect([name, minted[name]]).toEqual([name, without[name]]);
      }
      const [before, after] = [without, minted].map((one) => rolesOf(one, [TEST_CLIENT_ID]));
      expect(after?.toSorted()).toEqual(before?.toSorted());
    },
  );
});

async function mint(mapClaims: ClaimsMapper, said: Said = {}): Promise<ProviderClaims> {
  const { claims } = await startCollector({ mapClaims });
  return claims(said);
}

describe('what mapClaims changes', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['a list', ['a', 'b'], ['a', 'b']],
    ['a list that is empty', [], []],
    ['a text', 'a', ['a']],
    ['a list with other things', ['a', 7, { b: 1 }, null], ['a']],
    ['objects', [{ name: 'a' }], []],
    ['an object', { a: true }, ['staff', 'admins', 'team-a', 'editor']],
    ['null', null, ['staff', 'admins', 'team-a', 'editor']],
    ['undefined', undefined, ['staff', 'admins', 'team-a', 'editor']],
  ])('CL-2: roles given as %s are minted as a list of texts', async (_, roles, expected) => {
    expect((await mint(() => ({ roles })))['roles']).toEqual(expected);
  });

  it('CL-2: roles made of a claim of any source count, since the host says so', async () => {
    const idToken = { groups: ['/staff'] };

    const minted = await mint(
      ({ groups }) => ({ roles: Array.isArray(groups) ? groups.map((one) => `r:${one}`) : [] }),
      { accessToken: 'opaque', idToken },
    );

    expect(minted['roles']).toEqual(['r:/staff']);
  });

  it('CL-2: a claim under another name is minted whatever source it is of', async () => {
    const { provider, claims } = await startCollector({
      mapClaims: ({ groups }) => ({ teams: groups }),
    });

    const minted = await claims({
      accessToken: provider.accessToken({ groups: undefined }),
      idToken: { sub: alice.sub, groups: ['of-id-token'] },
    });

    expect(minted['teams']).toEqual(['of-id-token']);
  });

  it('CL-4: another address comes without the "email_verified" of the one before', async () => {
    const idToken = { ...alice };

    const other = await mint(() => ({ email: 'other@example.org' }), { idToken });
    const lower = await mint(({ email, ...rest }) => ({ ...rest, email: `x${String(email)}` }), {
      idToken,
    });
    const same = await mint(({ email }) => ({ email }), { idToken });

    expect(other).toMatchObject({ email: 'other@example.org' });
    expect(other).not.toHaveProperty('email_verified');
    expect(lower).toMatchObject({ email: `x${alice.email}`, email_verified: true });
    expect(same).toMatchObject({ email: alice.email, email_verified: true });
  });

  it('JV-9: is brought into the types of the specifications, and told of', async () => {
    const minted = await mint(() => ({
      email_verified: 'false',
      birthdate: 1990,
      groups: 'one',
      tenant: { any: ['thing'] },
    }));

    expect(minted).toMatchObject({
      email_verified: false,
      groups: ['one'],
      tenant: { any: ['thing'] },
    });
    expect(minted).not.toHaveProperty('birthdate');
  });
});

describe('what mapClaims hands on', () => {
  const accessToken = { preferred_username: 'of-access', department: 'of-access', groups: ['a'] };
  const idToken = { sub: alice.sub, preferred_username: 'of-id', birthplace: 'Rome' };
  const handOn = async (mapClaims: ClaimsMapper, more: JsonMembers = {}) => {
    const { provider, claims } = await startCollector({ mapClaims });
    return claims({
      accessToken: provider.accessToken({ ...none, email: undefined, ...accessToken }),
      idToken: { ...idToken, ...more },
    });
  };

  it('CL-2: is minted: user name and roles as they are without it, all else of any source', async () => {
    expect(await handOn((claims) => claims)).toMatchObject({
      preferred_username: 'of-id',
      department: 'of-access',
      birthplace: 'Rome',
      groups: ['a'],
      roles: ['a'],
    });
  });

  it('CL-4: of "email_verified" alone is that of our own address', async () => {
    const verifiedHere = { email: alice.email, email_verified: false };
    const { provider, claims } = await startCollector({
      mapClaims: ({ email_verified: flag }) => ({ email_verified: flag }),
    });
    const said = {
      accessToken: provider.accessToken({ email: 'other@example.org', email_verified: true }),
      idToken: { sub: alice.sub, ...verifiedHere },
    };

    expect(await claims(said)).toMatchObject(verifiedHere);
  });

  it('of what no host can set is left out, and told of once where it was changed', async () => {
    const { claims } = await startCollector({
      mapClaims: ({ sub }) => ({ sub, iss: 'mine', aud: undefined, tenant: 't' }),
    });

    const minted = [await claims(), await claims()];

    for (const one of minted) expect(one).toMatchObject({ sub: alice.sub, tenant: 't' });
    const told = capturedLogs().filter((line) => line.includes('which a host cannot set'));
    expect(told).toEqual([expect.stringContaining('"broker.mapClaims" gives "iss"')]);
  });
});

describe('what the option "claims" and onLogin are told of an address', () => {
  it.each<[string, JsonMembers, JsonMembers, unknown]>([
    ['the same address in both', {}, { email: alice.email, email_verified: true }, true],
    ['another one', { email: 'other@example.org' }, { ...alice }, undefined],
    [
      'its own word first',
      { email_verified: false },
      { email: alice.email, email_verified: true },
      false,
    ],
    ['none in the access token', { email: undefined }, { ...alice }, true],
  ])('CL-4: never has the "email_verified" of another: %s', async (_, access, idToken, flag) => {
    const { provider, collect } = await startCollector();

    const { unabridged } = await collect({ accessToken: provider.accessToken(access), idToken });

    expect(unabridged['email_verified']).toBe(flag);
  });
});
