import { describe, expect, it } from 'vitest';

import { OAuthError, invalidToken } from '../../../lib/errors/oauth.error.js';
import { challengeOf, refusalHeaders } from '../../../lib/tokens/challenge.js';

/** RFC 9110 §11.6.1 with the values that RFC 6750 §3 allows. */
const CHALLENGE =
  /^Bearer( (error|error_description|scope)="[\x20-\x21\x23-\x5b\x5d-\x7e]*"(, (error_description|scope|resource_metadata)="[\x20-\x21\x23-\x5b\x5d-\x7e]*")*)?$/;

const DOCUMENT = 'https://app.example.org/.well-known/oauth-protected-resource';

describe('challenge', () => {
  it('HS-2: names no error for a request without credentials', () => {
    const error = new OAuthError('invalid_token', 'A bearer token is required', {
      credentialsMissing: true,
    });

    expect(challengeOf(error)).toBe('Bearer');
  });

  it('HS-2: names error and text for a token that does not hold', () => {
    expect(challengeOf(invalidToken('exp'))).toBe(
      'Bearer error="invalid_token", error_description="The access token is invalid or has expired"',
    );
  });

  it('HS-2: names the scopes that are needed', () => {
    const error = new OAuthError('insufficient_scope', 'No', { scopes: ['a', 'b:c/d'] });

    expect(challengeOf(error)).toBe(
      'Bearer error="insufficient_scope", error_description="No", scope="a b:c/d"',
    );
  });

  it('HS-2: tells a caller without a token where to get one, and names no error (RFC 9728)', () => {
    const error = new OAuthError('invalid_token', 'A bearer token is required', {
      credentialsMissing: true,
    });

    expect(challengeOf(error, DOCUMENT)).toBe(`Bearer resource_metadata="${DOCUMENT}"`);
  });

  it('HS-2: names the protected-resource document with 401 alone', () => {
    const missingScope = new OAuthError('insufficient_scope', 'No', { scopes: ['a'] });

    expect(challengeOf(invalidToken('exp'), DOCUMENT)).toBe(
      `Bearer error="invalid_token", error_description="The access token is invalid or has expired", resource_metadata="${DOCUMENT}"`,
    );
    expect(challengeOf(missingScope, DOCUMENT)).toBe(challengeOf(missingScope));
    expect(refusalHeaders(new OAuthError('invalid_request', 'x'), DOCUMENT)).toEqual([]);
  });

  it.each([
    'a "quoted" word',
    String.raw`a\b`,
    'a\r\nSet-Cookie: x=1',
    'a\nb',
    'a\u0000b',
    'tab\tbed',
    'caf\u00e9 \u2028 \u{1f600}',
    '\u007f',
  ])('HS-2: puts only characters of RFC 6750 around %j', (text) => {
    const error = new OAuthError('access_denied', text, { status: 401, scopes: [text] });

    expect(challengeOf(error, text)).toMatch(CHALLENGE);
  });

  it.each([
    ['invalid_request', 400],
    ['server_error', 500],
    ['server_error', 502],
    ['temporarily_unavailable', 503],
    ['temporarily_unavailable', 429],
  ] as const)('HS-2: does not go with %s %i', (code, status) => {
    expect(challengeOf(new OAuthError(code, 'x', { status }))).toBeUndefined();
  });

  it.each([undefined, null, 'x', new Error('x'), { getStatus: () => 401 }])(
    'HS-2: does not go with %s',
    (error) => {
      expect(refusalHeaders(error)).toEqual([]);
    },
  );
});
