import { describe, expect, it } from 'vitest';

import {
  normaliseDeviceBody,
  normaliseTokenBody,
  readTokenAnswer,
} from '../../../lib/providers/token-answer.js';
import { compactJws, unsigned } from '../../support/compact-jws.js';

const NOW = 1_900_000_000;
const DEFAULT_ACCESS = 300;
const DEFAULT_REFRESH = 30 * 86_400;
const TEN_YEARS = 10 * 365 * 86_400;

type Body = Record<string, unknown>;

/** An access token that says when it ends; its signature is of no interest here. */
const jwt = (claims: Body): string => compactJws({ alg: 'none' }, claims, unsigned());

const isBody = (value: unknown): value is Body & { access_token: string } =>
  typeof value === 'object' && value !== null && 'access_token' in value;

/** As it goes in the application: straightened first, then read. */
function read(body: Body, requestedScope?: string): ReturnType<typeof readTokenAnswer> {
  const straight = normaliseTokenBody({ access_token: 'opaque', ...body });
  if (!isBody(straight)) throw new Error('The body is gone');
  return readTokenAnswer(straight, requestedScope, NOW);
}

describe('the lifetime of an access token', () => {
  const understood: [body: Body, lifetime: number][] = [
    [{ expires_in: 120 }, 120],
    [{ expires_in: '120' }, 120],
    [{ expires_in: ' 120 ' }, 120],
    [{ expires_in: 120.9 }, 120],
    [{ expires: NOW + 120 }, 120],
    [{ expires: String(NOW + 120) }, 120],
    [{ expires_at: NOW + 120 }, 120],
    [{ exp: NOW + 120 }, 120],
    [{ expires: 120 }, 120],
    [{ expires_in: 120, expires_at: NOW + 900, exp: NOW + 900 }, 120],
    [{ expires_in: 0, expires_at: NOW + 900 }, 900],
    [{ expires_in: -1, expires: 'soon', exp: NOW + 900 }, 900],
    [{ access_token: jwt({ exp: NOW + 77 }) }, 77],
    [{ access_token: jwt({ exp: NOW + 77 }), expires_in: 120 }, 120],
    [{ access_token: jwt({ exp: NOW + 77 }), expires_in: 0 }, 77],
    [{ access_token: jwt({ exp: NOW + 77 }), expires_in: 'never' }, 77],
  ];
  const senseless: Body[] = [
    {},
    ...[0, -1, -1e9, '0', '-5', '', ' ', 'NaN', 'never', Infinity, NaN, null, true, [300], {}].map(
      (expires_in) => ({ expires_in }),
    ),
    { expires_at: NOW },
    { expires_at: NOW - 60 },
    { exp: '2033-01-01T00:00:00Z' },
    { access_token: jwt({}) },
    { access_token: jwt({ exp: NOW - 1 }) },
    { access_token: jwt({ exp: 'never' }) },
    { access_token: 'a.b.c' },
    { access_token: jwt({ exp: null }) },
  ];
  const huge: Body[] = [
    ...[1e12, 1e300, '1e300', Number.MAX_VALUE].map((expires_in) => ({ expires_in })),
    { expires_at: 1e15 },
    { access_token: jwt({ exp: 1e17 }) },
  ];

  it.each(understood)('TK-6: of %j is %i s', (body, lifetime) => {
    expect(read(body).expiresAt).toBe(NOW + lifetime);
  });

  it.each(senseless)('TK-6: of %j is five minutes', (body) => {
    expect(read(body).expiresAt).toBe(NOW + DEFAULT_ACCESS);
  });

  it.each(huge)('TK-6: of %j is ten years at most', (body) => {
    expect(read(body).expiresAt).toBe(NOW + TEN_YEARS);
  });
});

describe('the lifetime of a refresh token', () => {
  const understood: [body: Body, lifetime: number][] = [
    [{ refresh_expires_in: 1800 }, 1800],
    [{ refresh_expires_in: '1800' }, 1800],
    [{ refresh_token_expires_in: 1800 }, 1800],
    [{ refresh_expires: NOW + 1800 }, 1800],
    [{ refresh_expires_at: String(NOW + 1800) }, 1800],
    [{ refresh_exp: NOW + 1800 }, 1800],
    [{ refresh_expires_in: 0, refresh_expires_at: NOW + 1800 }, 1800],
    [{ refresh_expires_in: 1800, expires_in: 60 }, 1800],
  ];
  const unlimited: Body[] = [
    {},
    ...[0, '0', -1, '-1', '', 'never', NaN, null, false].map((refresh_expires_in) => ({
      refresh_expires_in,
    })),
    { refresh_expires: 0 },
    { refresh_expires_at: NOW - 1 },
    { expires_in: 60 },
  ];

  it.each(understood)('TK-6: of %j is %i s', (body, lifetime) => {
    expect(read({ refresh_token: 'r', ...body }).refreshExpiresAt).toBe(NOW + lifetime);
  });

  it.each(unlimited)('TK-6: of %j is 30 days', (body) => {
    expect(read({ refresh_token: 'r', ...body }).refreshExpiresAt).toBe(NOW + DEFAULT_REFRESH);
  });

  it('TK-6: is never a time that cannot be', () => {
    for (const refresh_expires_in of [1e12, 1e300, Infinity]) {
      const { refreshExpiresAt = 0 } = read({ refresh_token: 'r', refresh_expires_in });

      expect(Number.isSafeInteger(refreshExpiresAt)).toBe(true);
      expect(refreshExpiresAt).toBeGreaterThan(NOW);
    }
  });

  it.each([undefined, null, '', 5, {}, ['r']])(
    'TK-6: is nothing without a refresh token (%j)',
    (refresh_token) => {
      const answer = read({ refresh_token, refresh_expires_in: 1800 });

      expect(answer).toMatchObject({ refreshToken: undefined, refreshExpiresAt: undefined });
    },
  );
});

describe('the scope that was granted', () => {
  const cases: [what: string, body: Body, requested: string | undefined, scope: string][] = [
    ['what the answer says', { scope: 'openid email' }, 'openid', 'openid email'],
    ['what the answer lists', { scope: ['openid', 'email'] }, 'openid', 'openid email'],
    ['what of a list is a scope', { scope: ['openid', 7, {}, null, 'a b'] }, 'email', 'openid'],
    ['what was asked for, beside a list of nothing', { scope: [7, ''] }, 'email', 'email'],
    ["the token's own list", { access_token: jwt({ scope: ['a', 'b'] }) }, undefined, 'a b'],
    ['what was asked for, if it says nothing', {}, 'openid profile', 'openid profile'],
    ['what was asked for, beside null', { scope: null }, 'openid profile', 'openid profile'],
    ['what was asked for, beside a number', { scope: 5 }, 'openid profile', 'openid profile'],
    ["the token's own", { access_token: jwt({ scope: 'a b' }) }, undefined, 'a b'],
    ["the token's own list", { access_token: jwt({ scp: ['a', 'b'] }) }, undefined, 'a b'],
    ['empty, if nobody knows', {}, undefined, ''],
  ];

  it.each(cases)('TK-6: is %s', (_, body, requested, scope) => {
    expect(read(body, requested).scope).toBe(scope);
  });
});

describe('the straightening of token answers', () => {
  it.each([undefined, null, 'text', 5, [], [{ access_token: 'a' }], { error: 'invalid_grant' }])(
    'TK-6: leaves alone what is none: %j',
    (body) => {
      expect(normaliseTokenBody(body)).toEqual(body);
    },
  );

  it.each([
    [{ token_type: undefined }, 'Bearer'],
    [{ token_type: null }, 'Bearer'],
    [{ token_type: 'bearer' }, 'bearer'],
    [{ token_type: 'mac' }, 'mac'],
  ])('TK-6: fills in the token type only where there is none: %j', (body, expected) => {
    expect(normaliseTokenBody({ access_token: 'a', ...body })).toEqual({
      access_token: 'a',
      token_type: expected,
    });
  });

  it('TK-6: takes out what would make the library throw, and nothing else', () => {
    const straight = normaliseTokenBody({
      access_token: 'a',
      token_type: 'Bearer',
      expires_in: '-1',
      refresh_token: '',
      id_token: null,
      scope: 5,
      session_state: 'kept',
    });

    expect(straight).toEqual({ access_token: 'a', token_type: 'Bearer', session_state: 'kept' });
  });

  it('TK-6: does not touch the body that it is given', () => {
    const body = Object.freeze({ access_token: 'a', expires_in: '5', scope: ['a', 'b'] });

    normaliseTokenBody(body);

    expect(body).toEqual({ access_token: 'a', expires_in: '5', scope: ['a', 'b'] });
  });

  it('TK-6: copies a member called __proto__ and no more', () => {
    const body: unknown = JSON.parse('{"access_token":"a","__proto__":{"polluted":true}}');

    normaliseTokenBody(body);

    expect({}).not.toHaveProperty('polluted');
  });
});

describe('the straightening of device answers', () => {
  it.each([
    [5, 5],
    ['10', 10],
    [2.5, 2.5],
  ])('DV-4: keeps the interval %j', (interval, expected) => {
    const body = { device_code: 'd', interval };

    expect(normaliseDeviceBody(body)).toEqual({ device_code: 'd', interval: expected });
  });

  it.each([0, -5, '0', 'soon', null, NaN, Infinity, undefined])(
    'DV-4: counts the interval %j as absent',
    (interval) => {
      expect(normaliseDeviceBody({ device_code: 'd', interval })).toEqual({ device_code: 'd' });
    },
  );

  it.each([undefined, null, 'text', [], { error: 'invalid_client' }])(
    'DV-4: leaves alone what is none: %j',
    (body) => expect(normaliseDeviceBody(body)).toEqual(body),
  );
});
