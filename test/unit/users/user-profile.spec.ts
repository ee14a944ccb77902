import { describe, expect, it } from 'vitest';

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
    [{ name: 'Ada  King Lovelace ' }, 'Ada King', 'Lovelace', ''],
    [{ name: 'Ada Lovelace', given_name: 'A', family_name: 'B' }, 'A', 'B', ''],
  ])('%j: is of %s %s, %s', (claims, first_name, last_name, email) => {
    expect(toUserProfile(claims, 's')).toMatchObject({ first_name, last_name, email });
  });
});
