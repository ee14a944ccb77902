import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { checkAccessTokenClaims } from '../../../lib/tokens/check-claims.js';
import type { TokenIssuer } from '../../../lib/tokens/verification-keys.js';

type Claims = Readonly<Record<string, unknown>>;

const NOW = 1_000_000;
const TOLERANCE = 5;
const MAX_AGE = 86_400;
const times = { nowSec: NOW, toleranceSec: TOLERANCE, maxAgeSec: MAX_AGE, endedForSec: 0 };

const issuer: TokenIssuer = {
  kind: 'provider',
  issuer: 'https://idp.example.org',
  provider: 'default',
  keys: { candidates: () => Promise.resolve([]), holds: () => true },
  algorithms: ['RS256'],
  audience: ['my-aud'],
  clientId: 'my-client',
  roleClients: [],
  defaultDemands: [],
  demands: [],
};
const good = { iss: issuer.issuer, sub: 'alice', aud: 'my-aud', exp: NOW + 60 };

/** `accepted`, or why not, as the log tells it. */
function outcome(
  claims: Claims,
  { typ = 'JWT', ...changed }: Partial<TokenIssuer & typeof times> & { typ?: string } = {},
): string {
  const { nowSec, toleranceSec, maxAgeSec, endedForSec, ...ofIssuer } = { ...times, ...changed };
  try {
    checkAccessTokenClaims(
      { ...good, ...claims },
      {
        typ: typ === '' ? undefined : typ,
        issuer: { ...issuer, ...ofIssuer },
        times: { nowSec, toleranceSec, maxAgeSec, endedForSec },
      },
    );
    return 'accepted';
  } catch (error) {
    if (error instanceof OAuthError && error.error === 'invalid_token') return String(error.cause);
    throw error;
  }
}

describe('registered claims of an access token', () => {
  it.each<[claims: Claims, refusal: string]>([
    [{ iss: 'https://idp.example.org/' }, 'iss'],
    [{ iss: undefined }, 'iss'],
    [{ sub: '' }, 'sub'],
    [{ sub: 1 }, 'sub'],
    [{ sub: undefined }, 'sub'],
    ...['jti', 'sid', 'azp', 'client_id'].flatMap((claim): [Claims, string][] => [
      [{ [claim]: 1 }, claim],
      [{ [claim]: null }, claim],
      [{ [claim]: ['x'] }, claim],
    ]),
  ])('JV-9: %j are refused for %s', (claims, refusal) => {
    expect(outcome(claims)).toBe(refusal);
  });
});

describe('times of an access token', () => {
  const over = NOW - TOLERANCE;
  const tooFar = NOW + MAX_AGE + TOLERANCE + 1;

  it.each<[claims: Claims, outcome: RegExp]>([
    [{ exp: over }, /^exp: came 999995; see "clockToleranceSec", .*the clock here says 1000000$/],
    [{ exp: over + 1 }, /^accepted$/],
    [{ exp: tooFar }, /^exp: came 1086406/],
    [{ exp: tooFar - 1 }, /^accepted$/],
    [{ exp: undefined }, /^exp: came nothing/],
    [{ exp: String(NOW + 60) }, /^exp/],
    [{ exp: Infinity }, /^exp/],
    [{ exp: NaN }, /^exp/],
    [{ nbf: NOW + TOLERANCE }, /^accepted$/],
    [{ nbf: NOW + TOLERANCE + 1 }, /^nbf/],
    [{ iat: NOW + TOLERANCE }, /^accepted$/],
    [{ iat: NOW + TOLERANCE + 1 }, /^iat/],
    [{ iat: 0, nbf: 0 }, /^accepted$/],
    [{ iat: -1 }, /^iat/],
    [{ nbf: -1 }, /^nbf/],
    [{ iat: `${NOW}` }, /^iat/],
    [{ nbf: null }, /^nbf/],
    [{ iat: -Infinity }, /^iat/],
    [{ nbf: NaN }, /^nbf/],
  ])('JV-7: %j: %s', (claims, expected) => {
    expect(outcome(claims)).toMatch(expected);
  });

  it('JV-7: may be over for as long as is asked for, and no longer', () => {
    expect(outcome({ exp: over - 30 }, { endedForSec: 30 })).toMatch(/^exp/);
    expect(outcome({ exp: over - 29 }, { endedForSec: 30 })).toBe('accepted');
  });

  it('JV-7: the log says the time in whole seconds', () => {
    expect(outcome({ exp: 1 }, { nowSec: NOW + 0.7 })).toMatch(/the clock here says 1000000$/);
  });
});

describe('the audience of an access token', () => {
  it.each<[claims: Claims, refusal: string]>([
    [{ aud: 'other' }, 'aud: expected "my-aud", came "other"; see "audience"'],
    [
      { aud: ['other', 'another'] },
      'aud: expected "my-aud", came "other", "another"; see "audience"',
    ],
    [{ aud: undefined }, 'aud: expected "my-aud", came nothing; see "audience"'],
    [{ aud: [] }, 'aud: expected "my-aud", came an empty list; see "audience"'],
    [{ aud: ['my-aud', 1] }, 'aud: came "my-aud", 1; see "audience"'],
    [{ aud: 1 }, 'aud: came 1; see "audience"'],
    [{ aud: null }, 'aud: came null; see "audience"'],
  ])('JV-6: %j is refused, and the log says why', (claims, refusal) => {
    expect(outcome(claims)).toBe(refusal);
  });

  it.each(['own', 'peer'] as const)('JV-6: of the kind %s is that of the broker', (kind) => {
    expect(outcome({ aud: 'other' }, { kind, typ: 'at+jwt' })).toMatch(/; see "broker.audience"$/);
  });

  it.each<[claims: Claims, outcome: string]>([
    [{ aud: undefined, azp: 'my-client' }, 'accepted'],
    [{ aud: 'whatever', azp: 'my-client' }, 'accepted'],
    [{ aud: 'whatever', client_id: 'my-client' }, 'accepted'],
    [{ aud: 'whatever', appid: 'my-client' }, 'accepted'],
    [{ aud: 'whatever', cid: 'my-client' }, 'accepted'],
    [
      { azp: 'other', client_id: 'my-client' },
      'azp: expected "my-client", came "other"; see "audience"',
    ],
    [
      { client_id: 'other', appid: 'my-client' },
      'azp: expected "my-client", came "other"; see "audience"',
    ],
    [
      { appid: 'other', cid: 'my-client' },
      'azp: expected "my-client", came "other"; see "audience"',
    ],
    [{}, 'azp: expected "my-client", came nothing; see "audience"'],
    [{ aud: [1], azp: 'my-client' }, 'aud: came 1; see "audience"'],
  ])('JV-6: that is switched off leaves the party: %j: %s', (claims, expected) => {
    expect(outcome(claims, { audience: false })).toBe(expected);
  });
});

describe('the kind of a JWT', () => {
  it.each<[claims: Claims, refusal: RegExp]>([
    [{ typ: 'ID' }, /^claim typ: came "ID"$/],
    [{ typ: 'Refresh' }, /^claim typ/],
    [{ typ: 'Offline' }, /^claim typ/],
    [{ typ: 'Logout' }, /^claim typ/],
    [{ token_use: 'id' }, /^claim token_use/],
    [{ token_use: 'refresh' }, /^claim token_use/],
    [{ tokenType: 'refresh-token' }, /^claim tokenType/],
    [{ events: {} }, /^events$/],
    [{ events: null }, /^events$/],
    [{ cnf: { jkt: 'x' } }, /^cnf: /],
    [{ cnf: null }, /^cnf: /],
  ])('JV-8: %j is refused whatever else is there', (claims, refusal) => {
    expect(outcome({ ...claims, scope: 'openid' }, { typ: 'at+jwt' })).toMatch(refusal);
  });

  it('JV-8: of what this instance signs, only what says that it is an access token is one', () => {
    const own = { kind: 'own', scope: 'openid' } as const;

    expect(outcome({ typ: 'Bearer' }, { ...own, typ: '' })).toBe('typ: came nothing');
    expect(outcome({ typ: 'Bearer' }, { ...own, typ: 'JWT' })).toBe('typ: came "JWT"');
    expect(outcome({}, { ...own, typ: 'at+jwt' })).toBe('accepted');
    expect(outcome({}, { ...own, typ: 'Application/AT+JWT' })).toBe('accepted');
  });

  it.each(['id-jag+jwt', 'at+jwt; x=y', 'logout+jwt', 'JOSE', 'application/jwt', ' at+jwt'])(
    'JV-8: a header typ of %j is refused',
    (typ) => {
      expect(outcome({ scope: 'openid' }, { typ })).toBe(`typ: came "${typ}"`);
    },
  );

  it('JV-8: a token for no client of ours needs no evidence where "audience" is switched off', () => {
    const claims = { aud: 'some-api', azp: 'my-client' };

    expect(outcome(claims, { audience: false })).toBe('accepted');
    expect(outcome({ ...claims, aud: 'my-client' }, { audience: false })).toMatch(/^ID token/);
  });

  it('JV-8: what the token endpoint gave as an access token may be bound, and needs no evidence', () => {
    const fromEndpoint = { audience: ['my-client'], cameAsAccessToken: true };
    const claims = { aud: 'my-client', nonce: 'n', cnf: { jkt: 'x' } };

    expect(outcome(claims, fromEndpoint)).toBe('accepted');
    expect(outcome({ ...claims, typ: 'Refresh' }, fromEndpoint)).toMatch(/^claim typ/);
    expect(outcome(claims, { ...fromEndpoint, cameAsAccessToken: false })).toMatch(/^cnf/);
  });
});
