import { HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';

import {
  OAuthError,
  badUpstreamAnswer,
  invalidGrant,
  invalidToken,
  unavailable,
  type OAuthErrorCode,
} from '../../../lib/errors/oauth.error.js';
import { refusalHeaders } from '../../../lib/tokens/challenge.js';

const NQSCHAR = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/; // RFC 6749 §5.2

const statuses: [code: OAuthErrorCode, status: number][] = [
  ['access_denied', 400],
  ['account_selection_required', 400],
  ['authorization_pending', 400],
  ['consent_required', 400],
  ['expired_token', 400],
  ['insufficient_scope', 403],
  ['interaction_required', 400],
  ['invalid_grant', 400],
  ['invalid_request', 400],
  ['invalid_scope', 400],
  ['invalid_target', 400],
  ['invalid_token', 401],
  ['login_required', 400],
  ['server_error', 502],
  ['slow_down', 400],
  ['temporarily_unavailable', 503],
  ['unsupported_grant_type', 400],
  ['unsupported_token_type', 400],
];

describe('OAuthError', () => {
  it.each(statuses)(
    'HS-6: %s has the status %i and the four members of the body',
    (code, status) => {
      const error = new OAuthError(code, 'What happened');

      expect(error).toBeInstanceOf(HttpException);
      expect(error.getStatus()).toBe(status);
      expect(error.getResponse()).toEqual({
        statusCode: status,
        error: code,
        error_description: 'What happened',
        detail: 'What happened',
      });
      expect(error.message).toBe('What happened');
    },
  );

  it('HS-6: takes another status', () => {
    const error = new OAuthError('access_denied', 'No', { status: 403 });

    expect(error.getStatus()).toBe(403);
    expect(error.getResponse()).toMatchObject({ statusCode: 403 });
  });

  it.each([invalidToken, invalidGrant, unavailable, badUpstreamAnswer])(
    'HS-6: %o says the same whatever the reason, in the characters of RFC 6749',
    (make) => {
      const plain = make().getResponse();

      expect(make(new Error('canary')).getResponse()).toEqual(plain);
      expect(make('canary').description).toMatch(NQSCHAR);
    },
  );

  it('DS-4: says with 503 when to try again', () => {
    expect(refusalHeaders(unavailable())).toEqual([['Retry-After', '5']]);
    expect(refusalHeaders(unavailable(undefined, 1))).toEqual([['Retry-After', '1']]);
    expect(refusalHeaders(badUpstreamAnswer())).toEqual([]);
  });
});
