import { describe, expect, it } from 'vitest';

import { invalidToken, unavailable } from '../../../lib/errors/oauth.error.js';
import { Introspect } from '../../../lib/documents/introspect.js';

const answerTo = (verifyUnproved: () => Promise<object>) =>
  new Introspect(Object({ verifyUnproved }), Object({})).introspect('token');

describe('the introspection of a token', () => {
  it.each<[claims: object, scope: string | undefined]>([
    [{ scope: 'a b' }, 'a b'],
    [{ scp: ['a', 'b'] }, 'a b'],
    [{}, undefined],
  ])('RFC 7662 §2.2: of %j has the scope %j', async (claims, scope) => {
    const answer = await answerTo(async () => ({ claims }));

    expect(answer).toMatchObject({ active: true, token_type: 'Bearer' });
    expect(Object.entries(answer).find(([name]) => name === 'scope')?.[1]).toBe(scope);
    expect('scope' in answer).toBe(scope !== undefined);
  });

  it('is that it is not active, where it does not hold', async () => {
    const answer = answerTo(() => Promise.reject(invalidToken('exp')));

    expect(await answer).toEqual({ active: false });
  });

  it('fault 9: is none while nobody can tell', async () => {
    const answer = answerTo(() => Promise.reject(unavailable('no keys')));

    await expect(answer).rejects.toMatchObject({ status: 503 });
  });
});
