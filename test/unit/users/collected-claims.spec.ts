import { describe, expect, it } from 'vitest';

import type { SaidClaims } from '../../../lib/sessions/session-content.js';
import { sourceOf } from '../../../lib/users/claim-sources.js';
import {
  type Combination,
  combineClaims,
  displayClaims,
} from '../../../lib/users/collected-claims.js';

const email = 'alice@example.org';
const verified = { email, email_verified: true };

const combine = (sources: SaidClaims, changed: Partial<Combination> = {}) =>
  combineClaims(sources, { missing: [], before: undefined, roleClients: [], ...changed });

describe('the source of an address', () => {
  it.each<[sources: SaidClaims, claim: string, source: keyof SaidClaims | undefined]>([
    [{}, 'email', undefined],
    [{ idToken: {}, userinfo: { email } }, 'email', 'userinfo'],
    [{ idToken: { email }, accessToken: { email } }, 'email', 'idToken'],
    [{ idToken: { email }, accessToken: verified }, 'email', 'accessToken'],
    [{ idToken: { email_verified: true }, accessToken: { email } }, 'email', 'accessToken'],
    [{ idToken: { email: '' }, accessToken: { email } }, 'email', 'accessToken'],
    [{ idToken: {}, accessToken: { upn: 'a' }, userinfo: { upn: 'b' } }, 'upn', 'accessToken'],
  ])('CL-4: of %j for %s is %s', (sources, claim, source) => {
    expect(sourceOf(sources, claim)).toBe(source && sources[source]);
  });
});

describe('user name and address of a minted token', () => {
  it.each<[sources: SaidClaims, earlier: object | undefined, claims: object]>([
    [{}, undefined, {}],
    [{}, { preferred_username: 'al', ...verified }, { preferred_username: 'al', ...verified }],
    [{}, { email_verified: true }, {}],
    [{ idToken: { email } }, verified, { email }],
    [{ idToken: { email, email_verified: 'true' } }, undefined, { email }],
    [{ userinfo: verified }, undefined, verified],
    [
      { idToken: { preferred_username: 'a' }, accessToken: { preferred_username: 'b' } },
      { preferred_username: 'c' },
      { preferred_username: 'a' },
    ],
  ])('CL-4: of %j, after %j, are %j', (sources, earlier, claims) => {
    expect(displayClaims(sources, earlier && { ...earlier })).toStrictEqual(claims);
  });
});

describe('what is known of a user', () => {
  it.each<[sources: SaidClaims, before: SaidClaims | undefined, roles: string[] | undefined]>([
    [{}, undefined, undefined],
    [{}, {}, []],
    [{ idToken: { groups: ['a'] } }, undefined, ['a']],
    [{ idToken: { realm_access: { roles: ['a'] } } }, undefined, ['a']],
    [{ idToken: { realm_access: {} }, userinfo: { groups: ['b'] } }, undefined, []],
    [{ accessToken: {}, idToken: { groups: ['a'] } }, undefined, []],
    [{ idToken: {}, userinfo: { groups: ['b'] } }, undefined, ['b']],
    [{ idToken: {} }, { accessToken: { groups: ['a'] } }, ['a']],
    [{ accessToken: {} }, { accessToken: { groups: ['a'] } }, []],
  ])('CL-2: roles of %j, after %j, are %j', (sources, before, roles) => {
    const combined = combine(sources, { before });

    expect(combined.roles).toEqual(roles);
    const earlier = before?.accessToken ? ['a'] : [];
    expect(combined.withdrawn).toEqual(earlier.filter((role) => !roles?.includes(role)));
  });

  it('RF-6: holds nothing more of an access token, or of userinfo, that has a successor', () => {
    const before = { accessToken: { a: 1, b: 1 }, idToken: { c: 1, d: 1 }, userinfo: { e: 1 } };

    const { all, unabridged } = combine(
      { accessToken: { a: 2 }, idToken: { c: 2 }, userinfo: {} },
      { before },
    );

    expect(all).toEqual({ a: 2, c: 2, d: 1 });
    expect(unabridged).toEqual(all);
  });

  it('RF-6: is remembered: what is said now, and of before what that leaves open', () => {
    const now = { accessToken: { a: 2 }, idToken: { c: 2 }, userinfo: { e: 2 } };
    const before = { accessToken: { a: 1, b: 1 }, idToken: { c: 1, d: 1 }, userinfo: { e: 1 } };

    expect(combine(now).said).toEqual(now);
    expect(combine({}, { before }).said).toEqual(before);
    expect(combine(now, { before }).said).toEqual({ ...now, idToken: { c: 2, d: 1 } });
    expect(combine({}).said).toEqual({});
  });

  it.each<[missing: Combination['missing'], before: SaidClaims | undefined, known: string]>([
    [[], undefined, 'complete'],
    [['userinfo'], undefined, 'unknown'],
    [['userinfo'], { accessToken: {} }, 'unknown'],
    [['userinfo'], { userinfo: {} }, 'incomplete'],
    [['accessToken', 'userinfo'], { userinfo: {} }, 'unknown'],
  ])('RF-6: with %j missing, after %j, is %s', (missing, before, known) => {
    const { incomplete, unknown } = combine({}, { missing, before });

    expect([incomplete, unknown]).toEqual([known !== 'complete', known === 'unknown']);
  });

  it('CL-2: is, of what tokens say of themselves, no matter of mapClaims', () => {
    const { all, unabridged } = combine({ idToken: { aud: 'a', acr: 'gold', tenant: 't' } });

    expect(all).toEqual({ tenant: 't' });
    expect(unabridged).toEqual({ aud: 'a', acr: 'gold', tenant: 't' });
  });
});
