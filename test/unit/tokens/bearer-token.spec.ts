import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { type RequestHeaders, presentedToken } from '../../../lib/tokens/bearer-token.js';

const MISSING = '401 invalid_token, no credentials';
const REPEATED = '400 invalid_request';

/** The token, or the refusal. */
function outcome(headers: RequestHeaders, rawHeaders?: readonly string[]): string {
  try {
    return presentedToken(headers, rawHeaders).token;
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const { credentialsMissing } = error;
    return `${error.getStatus()} ${error.error}${credentialsMissing ? ', no credentials' : ''}`;
  }
}

describe('the bearer token of a request', () => {
  it.each<[header: string, outcome: string]>([
    ['Bearer abc', 'abc'],
    ['bEaReR abc', 'abc'],
    ['Bearer   abc', 'abc'],
    ['  Bearer abc  ', 'abc'],
    ['Bearer aZ09-._~+/==', 'aZ09-._~+/=='],
    ['Bearer', MISSING],
    ['Bearer ', MISSING],
    ['abc', MISSING],
    ['Basic abc', MISSING],
    ['Bearerabc', MISSING],
    ['Bearers abc', MISSING],
    ['', MISSING],
    ['Bearer a b', '401 invalid_token'],
    ['Bearer a,b', '401 invalid_token'],
    ['Bearer a=b', '401 invalid_token'],
    ['Bearer =', '401 invalid_token'],
    ['Bearer "abc"', '401 invalid_token'],
    ['Bearer abc\u00e4', '401 invalid_token'],
    ['Bearer \u00e4abc', '401 invalid_token'],
    ['Bearer\tabc', MISSING],
  ])('HS-1: %j: %s', (header, expected) => {
    expect(outcome({ authorization: header })).toBe(expected);
    expect(outcome(new Headers({ Authorization: header.replaceAll('\u00e4', 'é') }))).toBe(
      expected,
    );
  });

  it.each<[headers: RequestHeaders, outcome: string]>([
    [{}, MISSING],
    [{ authorization: undefined }, MISSING],
    [{ authorization: [] }, MISSING],
    [{ authorization: undefined, Authorization: 'Bearer abc' }, 'abc'],
    [{ AUTHORIZATION: 'Bearer abc' }, 'abc'],
    [{ authorization: ['Bearer abc'] }, 'abc'],
    [{ authorization: ['Bearer abc', 'Bearer abc'] }, REPEATED],
    [{ authorization: 'Bearer abc', Authorization: 'Bearer abc' }, REPEATED],
    [{ authorization: 'Bearer abc', 'x-authorization': 'Bearer x', cookie: 'a=b' }, 'abc'],
    [new Headers(), MISSING],
  ])('HS-1: is looked for under one name, in any case: %j: %s', (headers, expected) => {
    expect(outcome(headers)).toBe(expected);
  });

  it.each<[rawHeaders: readonly string[], outcome: string]>([
    [['Host', 'x', 'Authorization', 'Bearer abc'], 'abc'],
    [['Authorization', 'Bearer abc', 'authorization', 'Bearer abc'], REPEATED],
    [['Authorization', 'Bearer abc', 'X-Other', 'authorization'], 'abc'],
    [['X-Other', 'authorization', 'X-More', 'Authorization'], 'abc'],
  ])('HS-1: that Node saw twice is refused, whatever it kept: %j: %s', (rawHeaders, expected) => {
    expect(outcome({ authorization: 'Bearer abc' }, rawHeaders)).toBe(expected);
  });
});
