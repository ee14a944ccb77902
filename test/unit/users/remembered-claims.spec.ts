import { expect, it } from 'vitest';

import { remembered } from '../../../lib/users/remembered-claims.js';
import { encodePart } from '../../support/compact-jws.js';

const user = { iss: 'https://idp', sub: 'alice' };
const idTokenOf = (claims: object): string =>
  `${encodePart({ alg: 'RS256' })}.${encodePart({ ...claims })}.AAAA`;

it.each<[what: string, idToken: object | undefined, claims: object | undefined]>([
  ['of the user', { ...user, groups: 'staff' }, { ...user, groups: ['staff'] }],
  ['of somebody else', { ...user, sub: 'bob' }, undefined],
  ['of another issuer', { ...user, iss: 'https://evil' }, undefined],
  ['that is not there', undefined, undefined],
])(
  'RF-6: where nothing more is remembered, an ID token %s stands in for it',
  (_, given, claims) => {
    const idToken = given && idTokenOf(given);
    const content = {
      provider: { idToken },
      claims: { sub: 'ours', email: 'a@b' },
      profile: { name: 'A' },
    };

    expect(remembered(Object(content), user)).toEqual({
      idToken: claims,
      userinfo: { name: 'A', email: 'a@b' },
    });
    const said = { userinfo: { name: 'B' } };
    expect(remembered(Object({ ...content, said }), user)).toBe(said);
  },
);
