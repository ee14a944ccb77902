import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { type AuthRule, checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { authorize, unmetDemand } from '../../../lib/tokens/authorize.js';
import type { IdTokenClaims } from '../../../lib/tokens/id-token-claims.js';
import { rolesOf } from '../../../lib/tokens/roles.js';

const claims: IdTokenClaims = {
  iss: 'https://idp.example.org',
  sub: 'alice',
  aud: 'my-aud',
  exp: 1,
  scope: 'openid orders:read',
  roles: ['admins', 'editors'],
  tier: 'gold',
  email: 'alice@example.org',
};

/** `allowed`, or the refusal: its text, the scopes of its challenge, and what the log says. */
function outcome(
  rule: AuthRule,
  ofIssuer: AuthRule = {},
  roles = rolesOf(claims, []),
): string | [string, string, string] {
  const identity = { claims, provider: 'default', roles, holds: () => true };
  try {
    authorize(identity, checkAuthRule(rule), checkAuthRule(ofIssuer).demands, {
      nowSec: 1_000,
      toleranceSec: 5,
    });
    return 'allowed';
  } catch (error) {
    if (!(error instanceof OAuthError) || error.getStatus() !== 403) throw error;
    return [error.description, error.scopes.join(' '), String(error.cause)];
  }
}

const NOT_ALLOWED = 'The claims of the access token do not allow this request';

describe('a rule that a token meets', () => {
  it.each<AuthRule>([
    {},
    { scopes: 'orders:read' },
    { scopes: ['openid', 'orders:read'] },
    { anyScope: 'orders:write orders:read' },
    { roles: ['admins', 'editors'] },
    { anyRole: ['owners', 'editors'] },
    { claims: { tier: 'gold' } },
    { scopes: 'openid', anyScope: 'openid', roles: 'admins', anyRole: 'admins' },
  ])('%j', (rule) => {
    expect(outcome(rule)).toBe('allowed');
  });
});

describe('a rule that a token does not meet', () => {
  it.each<[rule: AuthRule, text: string, scopes: string, log: string]>([
    [
      { scopes: 'openid orders:write admin' },
      'Token is missing required scopes: orders:write admin',
      'openid orders:write admin',
      'scopes: missing "orders:write", "admin"; see @Auth({ scopes })',
    ],
    [
      { scopes: 'admin' },
      'Token is missing required scopes: admin',
      'admin',
      'scopes: missing "admin"; see @Auth({ scopes })',
    ],
    [
      { anyScope: 'admin' },
      'Token is missing required scopes, one of: admin',
      'admin',
      'none of the scopes: missing "admin"; see @Auth({ anyScope })',
    ],
    [
      { scopes: 'openid', anyScope: 'orders:write admin' },
      'Token is missing required scopes, one of: orders:write admin',
      'orders:write admin',
      'none of the scopes: missing "orders:write", "admin"; see @Auth({ anyScope })',
    ],
    [
      { roles: ['admins', 'owners'] },
      NOT_ALLOWED,
      '',
      'roles: missing "owners"; see @Auth({ roles, claims })',
    ],
    [
      { anyRole: ['owners', 'readers'] },
      NOT_ALLOWED,
      '',
      'none of the roles: missing "owners", "readers"; see @Auth({ anyRole })',
    ],
    [
      { claims: { tier: 'silver' } },
      NOT_ALLOWED,
      '',
      'claim tier holds other values: expected "silver"; see @Auth({ roles, claims })',
    ],
    [
      { claims: { plan: 'gold' } },
      NOT_ALLOWED,
      '',
      'claim plan is not there: expected "gold"; see @Auth({ roles, claims })',
    ],
    [
      { claims: { email: 'bob@example.org' } },
      NOT_ALLOWED,
      '',
      'claim email holds other values; see @Auth({ roles, claims })',
    ],
  ])('%j is refused, and says why', (rule, text, scopes, log) => {
    expect(outcome(rule)).toEqual([text, scopes, log]);
  });

  it.each<AuthRule>([{ roles: 'owners' }, { anyRole: 'owners' }])(
    '%j says where no role arrived at all, which no role of the user mends',
    (rule) => {
      const mend = 'no role arrived at all: does the provider write roles into these tokens?';

      expect(outcome(rule, {}, [])).toEqual([NOT_ALLOWED, '', expect.stringContaining(mend)]);
      expect(outcome(rule)).toEqual([NOT_ALLOWED, '', expect.not.stringContaining(mend)]);
    },
  );

  it('CL-2: of the issuer is refused too, whatever the handler demands', () => {
    expect(outcome({}, { claims: { tier: 'gold' } })).toBe('allowed');
    expect(outcome({ claims: { tier: 'gold' } }, { claims: { tier: 'silver' } })).toEqual([
      NOT_ALLOWED,
      '',
      'claim tier holds other values: expected "silver"; see the option "claims"',
    ]);
  });
});

/** Whether the log tells the values that a claim should have had. */
function isTold(path: string): boolean {
  const reason = unmetDemand({ claims: {}, roles: [] }, { path, values: ['x'] }, 'option');
  return String(reason).includes('"x"');
}

describe('a claim that describes a person', () => {
  const personal =
    'sub name given_name preferred_username email mail phone_number address birthdate gender profile picture website ' +
    'upn oid uid act.sub https://example.org/email user_email EMAIL emails';
  const others = 'subscription tier emailed unsub acr genders fluid email_verified';

  it.each(personal.split(' '))('LG-1: %s is not told by its values', (path) => {
    expect(isTold(path)).toBe(false);
  });

  it.each(others.split(' '))('LG-1: %s is none', (path) => {
    expect(isTold(path)).toBe(true);
  });
});
