import { describe, expect, it } from 'vitest';

import { toTokenResponse } from '../../../lib/tokens/token-response.js';

const NOW = 1_900_000_000;

describe('the token response', () => {
  it('TK-4: holds the members of the contract, the claims of the ID token not among them', () => {
    const answer = {
      accessToken: 'a',
      expiresAt: NOW + 300,
      refreshToken: 'r',
      refreshExpiresAt: NOW + 1800,
      scope: 'openid',
      idToken: 'i',
      idTokenClaims: { sub: 's', nonce: 'n' },
    };

    const response = toTokenResponse(answer, NOW);

    expect(response).toStrictEqual({
      access_token: 'a',
      token_type: 'Bearer',
      expires: NOW + 300,
      expires_in: 300,
      refresh_token: 'r',
      refresh_expires: NOW + 1800,
      scope: 'openid',
    });
  });

  it('TK-4: leaves out what is not there, and counts no time below zero', () => {
    const response = toTokenResponse(
      {
        accessToken: 'a',
        expiresAt: NOW - 1,
        refreshToken: undefined,
        refreshExpiresAt: undefined,
        scope: '',
      },
      NOW,
    );

    expect(response).toStrictEqual({
      access_token: 'a',
      token_type: 'Bearer',
      expires: NOW - 1,
      expires_in: 0,
      scope: '',
    });
  });
});
