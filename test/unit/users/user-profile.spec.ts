import { describe, expect, it, vi } from 'vitest';

import type { Identity } from '../../../lib/tokens/identity.js';
import { BrokerProfiles } from '../../../lib/users/broker-profiles.js';
import { PassthroughProfiles } from '../../../lib/users/passthrough-profiles.js';
import { namesUser, toUserProfile } from '../../../lib/users/user-profile.js';

describe('the profile of a user', () => {
  it.each<[claims: Readonly<Record<string, unknown>>, username: string]>([
    [{}, 'the-subject'],
    [{ preferred_username: 'a', 'preferred-username': 'b' }, 'a'],
    [{ 'preferred-username': 'b', user_name: 'c' }, 'b'],
    [{ user_name: 'c', 'user-name': 'd' }, 'c'],
    [{ 'user-name': 'd', uid: 'e' }, 'd'],
    [{ uid: 'e', username: 'f' }, 'e'],
    [{ username: 'f' }, 'f'],
    [{ preferred_username: '', username: 'f' }, 'f'],
    [{ preferred_username: ['a'], username: 'f' }, 'f'],
    [Object.create({ username: 'f' }), 'the-subject'],
  ])('%j: has the name %s', (claims, username) => {
    expect(toUserProfile(claims, 'the-subject')).toMatchObject({
      username,
      pw_name: username,
    });
    expect(namesUser(claims)).toBe(username !== 'the-subject');
  });

  it.each<[claims: Readonly<Record<string, unknown>>, first: string, last: string, email: string]>([
    [{}, '', '', ''],
    [{ given_name: 'A', family_name: 'B', email: 'a@b' }, 'A', 'B', 'a@b'],
    [{ 'given-name': 'A', 'family-name': 'B', mail: 'a@b' }, 'A', 'B', 'a@b'],
    [{ first_name: 'A', last_name: 'B', email: '', mail: 'c@d' }, 'A', 'B', 'c@d'],
    [{ 'first-name': 'A', surname: 'B', email: 'a@b', mail: 'c@d' }, 'A', 'B', 'a@b'],
    [{ given_name: 'A', 'given-name': 'X', first_name: 'X', 'first-name': 'X' }, 'A', '', ''],
    [{ family_name: 'B', 'family-name': 'X', last_name: 'X', surname: 'X' }, '', 'B', ''],
    [{ name: 'Ada' }, '', 'Ada', ''],
    [{ name: 'Ada Lovelace' }, 'Ada', 'Lovelace', ''],
    [{ name: 'Ada  King Lovelace ' }, 'Ada King', 'Lovelace', ''],
    [{ name: 'Ada Lovelace', given_name: 'A', family_name: 'B' }, 'A', 'B', ''],
  ])('%j: is of %s %s, %s', (claims, first_name, last_name, email) => {
    expect(toUserProfile(claims, 's')).toMatchObject({ first_name, last_name, email });
  });
});

function callerWith(claims: object, provider: string | undefined): Identity {
  const usual = { iss: 'ours', sub: 'alice', exp: 1 };
  return { claims: { ...usual, ...claims }, provider, roles: [], holds: () => true };
}

describe('where a profile is looked for beyond the token', () => {
  it.each<[claims: object, finds: number]>([
    [{ sid: 's' }, 1],
    [{}, 0],
    [{ iss: 'theirs', sid: 's' }, 0],
  ])('in broker mode: the session of a token of ours: %j', async (claims, finds) => {
    const findOpen = vi.fn(async () => ({ content: { profile: { given_name: 'Ada' } } }));
    const profiles = new BrokerProfiles(Object({ findOpen }), Object({ issuer: 'ours' }));

    const { first_name: name } = await profiles.of(callerWith(claims, 'staff'), 'access');

    expect(findOpen).toHaveBeenCalledTimes(finds);
    expect(name).toBe(finds === 1 ? 'Ada' : '');
  });

  it.each<[claims: object, provider: string | undefined, asks: number]>([
    [{}, 'staff', 1],
    [{}, 'gone', 0],
    [{}, undefined, 0],
    [{ username: 'al' }, 'staff', 0],
    [{ cnf: { jkt: 'x'.repeat(43) } }, 'staff', 0],
  ])('in passthrough mode: the provider, of %j by %s', async (claims, provider, asks) => {
    const userinfo = vi.fn(async (..._call: unknown[]) => ({ username: 'ada' }));
    const find = async (name: string) => (name === 'staff' ? { userinfo } : undefined);
    const profiles = new PassthroughProfiles(Object({ find }));

    const { username } = await profiles.of(callerWith(claims, provider), 'access');

    expect(userinfo.mock.calls).toEqual(asks === 1 ? [['access', 'alice']] : []);
    expect(username === 'ada').toBe(asks === 1);
  });
});
