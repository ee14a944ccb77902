import { ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client';
import { describe, expect, it } from 'vitest';

import {
  badUpstreamAnswer,
  unavailable,
  type OAuthError,
} from '../../../lib/errors/oauth.error.js';
import { rejectedClient, toOAuthError } from '../../../lib/providers/upstream-refusal.js';

const UPSTREAM_TEXT = 'upstream-text-that-stays-inside';

/** What openid-client throws for an error body of the token endpoint. */
function bodyError(error: string, status = 400): ResponseBodyError {
  const cause = { error, error_description: UPSTREAM_TEXT };
  return new ResponseBodyError('server responded with an error', {
    cause,
    response: Response.json(cause, { status }),
  });
}

function summary(refusal: OAuthError): object {
  return { status: refusal.getStatus(), error: refusal.error, retryAfter: refusal.retryAfterSec };
}

const passedOn = [
  'access_denied',
  'authorization_pending',
  'consent_required',
  'expired_token',
  'interaction_required',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'login_required',
  'slow_down',
  'unsupported_grant_type',
  'unsupported_token_type',
];

const unusable = [
  'invalid_client',
  'unauthorized_client',
  'server_error',
  'invalid_token',
  'insufficient_scope',
  'use_dpop_nonce',
  'an_invention',
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'invalid_grant ',
  'Invalid_Grant',
  'invalid_grant\r\nset-cookie: a=b',
];

describe('what becomes of a refusal by the provider', () => {
  it.each(passedOn.flatMap((code) => [400, 401, 403].map((status) => ({ code, status }))))(
    'TK-5: passes $code with $status on as 400',
    ({ code, status }) => {
      const refusal = toOAuthError(bodyError(code, status));

      expect(summary(refusal)).toEqual({ status: 400, error: code, retryAfter: undefined });
    },
  );

  it.each(unusable)('TK-5: makes 502 server_error of "%s"', (code) => {
    const refusal = toOAuthError(bodyError(code));

    expect(summary(refusal)).toEqual({
      status: 502,
      error: 'server_error',
      retryAfter: undefined,
    });
  });

  it('TK-5: makes 503 of temporarily_unavailable', () => {
    const refusal = toOAuthError(bodyError('temporarily_unavailable'));

    expect(summary(refusal)).toMatchObject({ status: 503, error: 'temporarily_unavailable' });
    expect(refusal.retryAfterSec).toBeGreaterThan(0);
  });

  it('TK-5: keeps a refusal of our own that openid-client wrapped', () => {
    const own = unavailable('timed out');

    expect(toOAuthError(new ClientError('wrapped', { cause: own }))).toBe(own);
    expect(toOAuthError(new Error('a', { cause: new Error('b', { cause: own }) }))).toBe(own);
    expect(toOAuthError(own)).toBe(own);
  });

  it.each([
    new ClientError('unexpected answer'),
    new TypeError('a fault of the library'),
    new Error('with a cause', { cause: { error: 'invalid_grant' } }),
    { error: 'invalid_grant' },
    'invalid_grant',
    undefined,
    null,
  ])('TK-5: makes 502 of anything else: %s', (error) => {
    expect(summary(toOAuthError(error))).toMatchObject({ status: 502, error: 'server_error' });
  });

  it('TK-5: ends with errors that cause each other', () => {
    const error = new Error('round');
    error.cause = error;

    expect(toOAuthError(error).getStatus()).toBe(502);
  });

  it('TK-5: says nothing of what the provider said', () => {
    for (const code of [...passedOn, ...unusable]) {
      const refusal = toOAuthError(bodyError(code));

      expect(JSON.stringify(refusal.getResponse())).not.toContain(UPSTREAM_TEXT);
      expect(refusal.message).not.toContain(UPSTREAM_TEXT);
    }
  });
});

describe('the refusal of our own credentials', () => {
  it('TK-5: is told from other refusals', () => {
    const challenge = new WWWAuthenticateChallengeError('challenge', {
      cause: [{ scheme: 'basic', parameters: {} }],
      response: new Response(null, { status: 401 }),
    });

    expect(rejectedClient(bodyError('invalid_client', 401))).toBe('invalid_client');
    expect(rejectedClient(bodyError('unauthorized_client'))).toBe('unauthorized_client');
    expect(rejectedClient(challenge)).toBe('invalid_client');
    expect(rejectedClient(bodyError('invalid_grant', 401))).toBeUndefined();
    expect(rejectedClient(badUpstreamAnswer())).toBeUndefined();
    expect(rejectedClient({ error: 'invalid_client' })).toBeUndefined();
  });
});
