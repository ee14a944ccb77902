import { describe, expect, it, vi } from 'vitest';

import { epochSeconds } from '../../../lib/clock/clock.js';
import { invalidToken } from '../../../lib/errors/oauth.error.js';
import { checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { Authenticator } from '../../../lib/tokens/authenticator.js';
import type { Credentials } from '../../../lib/tokens/identity.js';
import type { Verification } from '../../../lib/tokens/verification-cache.js';
import { FakeClock } from '../../support/fake-clock.js';

const clock = new FakeClock();
const options = { clockToleranceSec: 5 };
const anybody = checkAuthRule({});

const isFresh = (): boolean => true;

/** A verification of a token of alice with these claims besides. */
function verified(claims: object = {}): Verification {
  return Object({
    claims: { iss: 'idp', sub: 'alice', exp: 2e9, ...claims },
    issuer: { kind: 'provider', demands: [], defaultDemands: [], roleClients: [] },
    holds: () => true,
  });
}

describe('callers by access token', () => {
  const jkt = 'x'.repeat(43);

  it.each<[what: string, authorization: string, claims: object, required: boolean, proved: object]>(
    [
      ['an unbound token', 'Bearer token', {}, false, []],
      ['an unbound token, where none is taken', 'Bearer token', {}, true, [undefined]],
      ['an unbound token with the scheme DPoP', 'DPoP token', {}, false, [undefined]],
      ['a bound token', 'DPoP token', { cnf: { jkt } }, false, [jkt]],
      ['a bound token as a bearer token', 'Bearer token', { cnf: { jkt } }, false, [jkt]],
    ],
  )('DP-1: with %s: what is held against the proof', async (...row) => {
    const [, authorization, claims, required, proved] = row;
    const verification = verified(claims);
    for (const remembered of [undefined, verification]) {
      const prove = vi.fn(async () => undefined);
      const possession = Object({ required, prove });
      const verifier = { remembered: () => remembered, verifyUnproved: async () => verification };
      const made = new Authenticator(Object(verifier), clock, options, undefined, possession);

      const { claims: said } = await made.identify({ headers: { authorization } }, anybody);

      expect(said.sub).toBe('alice');
      expect(prove.mock.calls.map(([, key]: unknown[]) => key)).toEqual(proved);
    }
  });

  it.each<[what: string, authorization: string | undefined, held: boolean]>([
    ['a session', undefined, true],
    ['a session, beside an authorization that is no token', 'Basic YTpi', true],
    ['no session', undefined, false],
    ['a session, beside a token without characters', 'Bearer', true],
  ])('of %s by cookie it is said at once who that is, where that is known', (...row) => {
    const [, authorization, held] = row;
    const look = { ...verified(), isFresh, untilSec: 2e9 };
    const verify = vi.fn(() => (held ? look : undefined));
    const made = new Authenticator(Object({}), clock, options, Object({ verify }));
    const credentials = { headers: { authorization }, method: 'GET' };

    if (authorization === 'Bearer' || !held) {
      expect(() => made.identify(credentials, anybody)).toThrowError(/bearer token is required/);
      return;
    }
    const identity = made.identify(credentials, anybody);
    expect(identity).toMatchObject({ claims: look.claims, byCookie: true, look: { isFresh } });
    expect(verify.mock.calls).toEqual([[credentials, true]]);
  });

  it('GW-4: has a bad one verified once for all who ask about its request', async () => {
    const verifyUnproved = vi.fn(async (token: string) => Promise.reject(invalidToken(token)));
    const verifier = { remembered: () => undefined, verifyUnproved };
    const made = new Authenticator(Object(verifier), clock, options);
    const request = {};
    const ask = async (token: string, of?: object) => {
      const headers = { authorization: `Bearer ${token}` };
      const asked = made.identify({ headers, ...(of && { request: of }) }, anybody);
      await expect(asked).rejects.toMatchObject({ cause: token });
    };

    for (const token of ['bad', 'bad', 'worse', 'worse']) await ask(token, request);
    expect(verifyUnproved.mock.calls).toEqual([['bad'], ['worse']]);

    await ask('worse', {});
    for (let time = 0; time < 2; time += 1) await ask('worse');
    expect(verifyUnproved).toHaveBeenCalledTimes(5);
  });
});

/** Who a cookie names: a user with these roles, who logged in just now. */
function byCookie(roles: readonly string[]) {
  const authTime = epochSeconds(clock);
  const issuer = Object({ kind: 'own', demands: [], defaultDemands: [], roleClients: [] });
  const found = (held: readonly string[]) => ({
    claims: { iss: 'here', sub: 'alice', exp: 2e9, auth_time: authTime, roles: held },
    issuer,
    holds: () => true,
    isFresh,
    untilSec: 2e9,
  });
  const verify = vi.fn(async (_: object, isUse: boolean) => found(isUse ? roles : []));
  const made = new Authenticator(Object({}), clock, options, Object({ verify }));
  return { made, verify };
}

describe('callers by session cookie', () => {
  const credentials = { headers: {}, method: 'GET' };

  it('are looked at again by the same rule, which is no use of the session', async () => {
    const { made, verify } = byCookie(['editor']);
    const rule = checkAuthRule({ roles: 'editor' });

    const { look, byCookie: isByCookie } = await made.identify(credentials, rule);

    expect([isByCookie, look?.isFresh, look?.untilSec]).toEqual([true, isFresh, 2e9]);
    await expect(look?.again()).rejects.toMatchObject({ error: 'insufficient_scope' });
    expect(verify.mock.calls).toEqual([
      [credentials, true],
      [credentials, false],
    ]);
  });

  it('need no newer login to go on with what a recent one opened', async () => {
    const { made } = byCookie([]);
    const rule = checkAuthRule({ maxAgeSec: 60 });
    const { look } = await made.identify(credentials, rule);

    clock.advance(600);

    expect(await look?.again()).toMatchObject({ claims: { sub: 'alice' } });
    await expect(made.identify(credentials, rule)).rejects.toMatchObject({
      error: 'insufficient_user_authentication',
    });
  });

  it.each<[what: string, asked: number, credentials: Credentials]>([
    ['no Authorization header', 1, { headers: {} }],
    ['credentials for somebody else', 1, { headers: { authorization: 'Basic abc' } }],
    ['a bearer token that is empty', 0, { headers: { authorization: 'Bearer' } }],
    ['a bound token that is empty', 0, { headers: { authorization: 'DPoP' } }],
    ['two headers', 0, { headers: { authorization: ['Basic abc', 'Basic abc'] } }],
    [
      'two headers, of which Node kept one',
      0,
      {
        headers: { authorization: 'Basic abc' },
        rawHeaders: ['Authorization', 'Basic abc', 'authorization', 'Bearer abc'],
      },
    ],
  ])('BS-7: beside %s are asked for %i times', async (_, asked, brought) => {
    const { made, verify } = byCookie([]);

    const identity = await (async () => made.identify(brought, anybody))().catch(() => undefined);

    expect(verify).toHaveBeenCalledTimes(asked);
    expect(identity?.byCookie).toBe(asked === 1 ? true : undefined);
  });
});
