import { describe, expect, it, vi } from 'vitest';

import { OAuthError, invalidToken, unavailable } from '../../../lib/errors/oauth.error.js';
import { OidcEvents } from '../../../lib/events/oidc-events.js';
import { BrokerCallersSession } from '../../../lib/logout/broker-callers-session.js';
import { BrokerRevoke } from '../../../lib/logout/broker-revoke.js';
import { OwnTokens } from '../../../lib/logout/own-tokens.js';
import { providerUserHash } from '../../../lib/sessions/sessions.js';
import { encodePart } from '../../support/compact-jws.js';
import { FakeClock } from '../../support/fake-clock.js';

const OURS = 'https://app.example.org';
const user = { iss: 'https://idp', sub: 'alice' };
const idTokenOf = (claims: object): string =>
  `${encodePart({ alg: 'RS256' })}.${encodePart({ ...claims })}.AAAA`;

interface Held {
  /** What a token of ours says; `foreign` and `undefined` as {@link OwnTokens} reads them. */
  readonly claims?: object | 'foreign' | undefined;
  readonly session?: boolean;
  readonly idToken?: string | undefined;
  readonly sealedByAnotherKey?: boolean;
  /** Another instance has ended it meanwhile. */
  readonly gone?: boolean;
}

function setUp({ claims, session = true, idToken, sealedByAnotherKey, gone }: Held) {
  const events = new OidcEvents(new FakeClock());
  const told: unknown[] = [];
  events.on('revoke', ({ provider }) => void told.push(provider));
  const row = { id: 's', provider: 'staff', providerSubjectHash: providerUserHash(user) };
  const provider = { issuer: user.iss, clientId: 'my-client', idToken };
  const end = vi.fn(async (..._call: unknown[]) => gone !== true);
  const sessions = {
    find: async (id: string) => (session && id === 's' ? row : undefined),
    open: async () => (sealedByAnotherKey ? undefined : { provider }),
    end,
  };
  const own = { read: async () => claims };
  const refreshTokens = { read: (text: string) => (text === 'r' ? { sessionId: 's' } : undefined) };
  const revokeToken = vi.fn(async (..._call: unknown[]) => undefined);
  const revocation = new BrokerRevoke(
    events,
    Object(own),
    Object(refreshTokens),
    Object(sessions),
    Object({ revokeToken }),
  );
  const callers = new BrokerCallersSession(Object(own), Object(sessions), revocation);
  return { revocation, callers, end, revokeToken, told };
}

describe('who logs out with a token of ours', () => {
  const prove = vi.fn(async () => undefined);
  const claims = { iss: OURS, sub: 'alice', sid: 's', jti: 'j', idp: 'staff' };

  it.each<[what: string, held: Held, ended: object | undefined]>([
    ['a session', { claims }, { provider: 'staff', idToken: undefined }],
    [
      'a session whose ID token is of its user',
      { claims, idToken: idTokenOf(user) },
      { provider: 'staff', givenBy: { issuer: user.iss }, idToken: idTokenOf(user) },
    ],
    [
      'a session that kept the ID token of somebody else',
      { claims, idToken: idTokenOf({ ...user, sub: 'bob' }) },
      { idToken: undefined },
    ],
    [
      'a session that kept one of another issuer',
      { claims, idToken: idTokenOf({ ...user, iss: 'https://evil' }) },
      { idToken: undefined },
    ],
    [
      'a session that nobody can open',
      { claims, sealedByAnotherKey: true },
      { provider: 'staff', givenBy: {}, idToken: undefined },
    ],
    ['no session any more', { claims, session: false }, { provider: 'staff', givenBy: {} }],
    ['a token of a version before', { claims: { sub: 'a', sid: 'x' } }, { provider: 'default' }],
    ['a token whose idp is no text', { claims: { sub: 'a', idp: 7 } }, { provider: 'default' }],
    ['a token that is worth nothing', { claims: undefined }, undefined],
  ])('LO-4: has %s', async (_, held, expected) => {
    const { callers, end } = setUp(held);

    const ended = await callers.end({ token: 't', prove });

    if (expected === undefined) expect(ended).toBeUndefined();
    else expect(ended).toMatchObject(expected);
    const had = held.claims === claims && held.session !== false;
    expect(end.mock.calls).toEqual(had ? [[expect.objectContaining({ id: 's' }), 'logout']] : []);
  });

  it('LO-2: has a token by exchange revoked, which is all there is', async () => {
    const { callers, revokeToken } = setUp({ claims: { sub: 'alice', jti: 'j', idp: 'staff' } });

    expect(await callers.end({ token: 't', prove })).toMatchObject({ provider: 'staff' });
    expect(revokeToken).toHaveBeenCalledWith('j', expect.anything());
  });

  it('is told that a token of another issuer belongs to no session here', async () => {
    const { callers } = setUp({ claims: 'foreign' });

    await expect(callers.end({ token: 't', prove })).rejects.toMatchObject({
      error: 'invalid_request',
    });
  });

  it('DP-1: proves the key that the token is bound to, and nothing ends without', async () => {
    const jkt = 'x'.repeat(43);
    const { callers, end } = setUp({ claims: { ...claims, cnf: { jkt } } });
    const proving = vi.fn().mockRejectedValueOnce(invalidToken('no proof'));

    await expect(callers.end({ token: 't', prove: proving })).rejects.toMatchObject({
      status: 401,
    });
    expect(end).not.toHaveBeenCalled();
    expect(await callers.end({ token: 't', prove: proving })).toBeDefined();
    expect(proving.mock.calls).toEqual([[jkt], [jkt]]);
    expect(prove).not.toHaveBeenCalled(); // by any of those above, which are bound to none
  });
});

describe('a revocation in broker mode', () => {
  const session = [expect.objectContaining({ id: 's' }), 'revoked'];

  it.each<[what: string, token: string, held: Held, ended: boolean, jti: boolean, told: string[]]>([
    ['a refresh token', 'r', {}, true, false, ['staff']],
    ['a refresh token of no session', 'r', { session: false }, false, false, []],
    ['a refresh token that another one ended', 'r', { gone: true }, true, false, []],
    ['a token of a session', 't', { claims: { jti: 'j', sid: 's' } }, true, true, ['default']],
    ['a token by exchange', 't', { claims: { jti: 'j', idp: 'staff' } }, false, true, ['staff']],
    ['a token without jti', 't', { claims: { sid: 's', idp: 7 } }, true, false, ['default']],
    ['a foreign token', 't', { claims: 'foreign' }, false, false, []],
    ['nonsense', 't', { claims: undefined }, false, false, []],
  ])('LO-2: of %s', async (_, token, held, ended, jti, told) => {
    const made = setUp(held);

    await made.revocation.revoke({ token });

    expect(made.end.mock.calls).toEqual(ended ? [session] : []);
    expect(made.revokeToken.mock.calls).toEqual(jti ? [['j', held.claims]] : []);
    expect(made.told).toEqual(told);
  });
});

describe('a token that is there to end something', () => {
  const token = idTokenOf({ iss: OURS });
  const read = (verify: () => Promise<object>, text = token) => {
    const verifyUnproved = vi.fn(verify);
    const own = new OwnTokens(Object({ verifyUnproved }), Object({ issuer: OURS }));
    return { verifyUnproved, claims: own.read(text) };
  };

  it('LO-2: may have ended a day ago', async () => {
    const { claims, verifyUnproved } = read(async () => ({ claims: { sub: 'alice' } }));

    expect(await claims).toEqual({ sub: 'alice' });
    expect(verifyUnproved).toHaveBeenCalledWith(token, { endedForSec: 86_400 });
  });

  it.each<[what: string, text: string, refusal: OAuthError | undefined, outcome: unknown]>([
    ['no JWT', 'opaque', undefined, undefined],
    ['of another issuer', idTokenOf(user), undefined, 'foreign'],
    ['one that does not verify', token, invalidToken('exp'), undefined],
  ])('LO-2: is worth nothing: %s', async (_, text, refusal, outcome) => {
    const { claims } = read(() => Promise.reject(refusal), text);

    expect(await claims).toBe(outcome);
  });

  it.each([unavailable('no keys'), new TypeError('a fault')])(
    'fault 9: is an error while nobody can tell: %s',
    async (error) => {
      const { claims } = read(vi.fn().mockRejectedValue(error));

      await expect(claims).rejects.toBe(error);
    },
  );
});
