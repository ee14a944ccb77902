import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { selectGrant, type TokenRequest } from '../../../lib/grants/select-grant.js';

const ALL = { authorizationCode: true, refresh: true, device: true, exchange: true };
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const complete: Required<TokenRequest> = {
  grantType: undefined,
  code: undefined,
  redirectUri: 'http://localhost:1/callback',
  codeVerifier: 'v',
  state: 's',
  iss: 'https://idp.example.org',
  refreshToken: undefined,
  deviceCode: undefined,
  subjectToken: undefined,
  subjectTokenType: undefined,
  requestedTokenType: undefined,
  actorToken: undefined,
  audience: undefined,
  resource: undefined,
  dpopProofs: [],
  scope: 'openid',
  client: undefined,
};

function errorOf(request: TokenRequest, grants = ALL): string {
  try {
    return `selected ${selectGrant({ ...complete, ...request }, grants).grant}`;
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return `${error.getStatus()} ${error.error}`;
  }
}

/** What the log says of a refusal. */
function reasonOf(request: TokenRequest): string {
  try {
    return selectGrant({ ...complete, ...request }, ALL).grant;
  } catch (error) {
    return error instanceof OAuthError ? String(error.cause) : String(error);
  }
}

describe('the selection of a grant', () => {
  const members = ['code', 'refreshToken', 'deviceCode', 'subjectToken'] as const;
  const sets = [...Array(16).keys()].map((bits) => members.filter((_, at) => bits & (1 << at)));

  it.each(sets.filter((set) => set.length !== 1).map((set) => ({ set })))(
    'TK-1: refuses $set',
    ({ set }) => {
      const request = Object.fromEntries(set.map((name) => [name, 'x']));

      expect(errorOf(request)).toBe('400 invalid_request');
    },
  );

  it.each([
    ['authorizationCode', 'authorization_code', { code: 'x' }],
    ['refresh', 'refresh_token', { refreshToken: 'x' }],
    ['device', DEVICE, { deviceCode: 'x' }],
  ])('TK-1: finds %s with and without its grant type', (grant, grantType, request) => {
    expect(errorOf(request)).toBe(`selected ${grant}`);
    expect(errorOf({ ...request, grantType })).toBe(`selected ${grant}`);
  });

  it.each([
    ['authorizationCode', { code: 'x' }],
    ['refresh', { refreshToken: 'x' }],
    ['device', { deviceCode: 'x' }],
  ])('TK-7: refuses %s alone when it is off', (grant, request) => {
    const grants = { ...ALL, [grant]: false };
    const others = [{ code: 'x' }, { refreshToken: 'x' }, { deviceCode: 'x' }].filter(
      (other) => Object.keys(other)[0] !== Object.keys(request)[0],
    );

    expect(errorOf(request, grants)).toBe('400 unsupported_grant_type');
    for (const other of others) expect(errorOf(other, grants)).toMatch(/^selected/);
  });

  it('TK-1: says nothing about a grant that is off to an ambiguous request', () => {
    const request = { code: 'x', refreshToken: 'x' };

    expect(errorOf(request, { ...ALL, refresh: false })).toBe('400 invalid_request');
  });

  it.each(['', ' ', 'password', 'AUTHORIZATION_CODE', '__proto__', 'constructor', 'valueOf'])(
    'TK-1: does not know the grant type "%s"',
    (grantType) => {
      expect(errorOf({ grantType, code: 'x' })).toBe('400 unsupported_grant_type');
      expect(errorOf({ grantType })).toBe('400 unsupported_grant_type');
    },
  );

  it('TK-1: tells an exchange by its subject token', () => {
    const off = { ...ALL, exchange: false };

    expect(errorOf({ subjectToken: 'x' })).toBe('selected exchange');
    expect(errorOf({ subjectToken: 'x', grantType: EXCHANGE })).toBe('selected exchange');
    expect(errorOf({ subjectToken: 'x' }, off)).toBe('400 unsupported_grant_type');
    expect(errorOf({ code: 'x', grantType: EXCHANGE })).toBe('400 invalid_request');
  });

  it('LG-3: tells the log which of the grants came', () => {
    expect(reasonOf({})).toBe('not exactly one grant: came an empty list');
    expect(reasonOf({ code: 'x', deviceCode: 'y' })).toBe(
      'not exactly one grant: came "code", "deviceCode"',
    );
    expect(reasonOf({ refreshToken: 'x', subjectToken: 'y' })).toBe(
      'not exactly one grant: came "refreshToken", "subjectToken"',
    );
  });
});
