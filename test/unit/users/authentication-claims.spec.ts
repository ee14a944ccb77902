import { describe, expect, it } from 'vitest';

import { authenticationClaims } from '../../../lib/users/authentication-claims.js';

const first = { acr: 'silver', amr: ['pwd'], auth_time: 1000 };

describe('how a user was authenticated', () => {
  it('is what the ID token of the login says, and nothing else of it', () => {
    const idToken = { ...first, iss: 'https://idp.example.org', roles: ['admins'] };

    expect(authenticationClaims(idToken, undefined)).toEqual(first);
    expect(authenticationClaims({ acr: 'gold' }, undefined)).toEqual({ acr: 'gold' });
    expect(authenticationClaims(undefined, undefined)).toEqual({});
    expect(authenticationClaims(Object.create(first), undefined)).toEqual({});
  });

  it.each<[title: string, now: object | undefined, then: object]>([
    ['no ID token', undefined, first],
    ['one that says nothing of it', { sub: 'alice' }, first],
    ['one that says it all again', first, first],
    ['an earlier time', { ...first, acr: 'gold', auth_time: 999 }, first],
    ['another acr without a time', { acr: 'gold' }, first],
    ['the same time alone', { auth_time: 1000 }, first],
    ['less, of the same time', { auth_time: 1000, acr: 'bronze' }, { ...first, acr: 'bronze' }],
    [
      'a later time alone, which the acr before is not of',
      { auth_time: 1001 },
      { auth_time: 1001 },
    ],
    ['a later login', { acr: 'gold', auth_time: 2000 }, { acr: 'gold', auth_time: 2000 }],
  ])('at a refresh with %s', (_, now, then) => {
    expect(authenticationClaims(now && { ...now }, { sub: 'alice', ...first })).toEqual(then);
  });

  it('begins at a refresh where the login said nothing', () => {
    expect(authenticationClaims(first, { sub: 'alice' })).toEqual(first);
    expect(authenticationClaims({ acr: 'gold' }, { sub: 'alice' })).toEqual({});
    expect(authenticationClaims({ acr: 'gold' }, { acr: 'silver' })).toEqual({ acr: 'silver' });
  });
});
