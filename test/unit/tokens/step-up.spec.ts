import { describe, expect, it } from 'vitest';

import { checkAuthRule, sumOfRules, type AuthRule } from '../../../lib/tokens/auth-rule.js';
import { authorize } from '../../../lib/tokens/authorize.js';
import { challengeOf } from '../../../lib/tokens/challenge.js';
import { StepUpRefusal, wantedLogin } from '../../../lib/tokens/step-up.js';

const NOW = 1_700_000_000;

/** `allowed`, or the challenge, and what the log says. */
function outcome(
  claims: Readonly<Record<string, unknown>>,
  ...rules: readonly AuthRule[]
): string | [challenge: string | undefined, log: string] {
  const identity = {
    claims: { iss: 'https://idp.example.org', sub: 'alice', exp: NOW + 60, ...claims },
    provider: 'staff',
    roles: [],
    holds: () => true,
  };
  try {
    const rule = sumOfRules(rules.map(checkAuthRule));
    authorize(identity, rule, [], { nowSec: NOW, toleranceSec: 5 });
    return 'allowed';
  } catch (error) {
    if (!(error instanceof StepUpRefusal)) throw error;
    expect(error.getStatus()).toBe(401);
    expect(error.provider).toBe('staff');
    return [challengeOf(error), String(error.cause)];
  }
}

const challenge = (words: string, ...attributes: string[]): string =>
  [
    `Bearer error="insufficient_user_authentication", error_description="This needs a login ${words}"`,
    ...attributes,
  ].join(', ');

describe('SU-1: a login that a rule is met by', () => {
  it.each<[claims: Readonly<Record<string, unknown>>, rules: readonly AuthRule[]]>([
    [{}, [{}]],
    [{ acr: 'gold' }, [{ acr: 'gold' }]],
    [{ acr: 'gold' }, [{ acr: ['silver', 'gold'] }]],
    [{ acr: 'gold' }, [{ acr: 'silver gold' }, { acr: 'gold platinum' }]],
    [{ auth_time: NOW }, [{ maxAgeSec: 300 }]],
    [{ auth_time: NOW }, [{ maxAgeSec: 1 }]],
    [{ auth_time: NOW - 305 }, [{ maxAgeSec: 300 }]], // clocks differ
    [{ auth_time: NOW + 5 }, [{ maxAgeSec: 300 }]],
    [{ auth_time: NOW - 10, acr: 'gold' }, [{ maxAgeSec: 300, acr: 'gold' }]],
  ])('%j meets %j', (claims, rules) => {
    expect(outcome(claims, ...rules)).toBe('allowed');
  });
});

it.each<[acrs: string[][], maxAgeSec: number | undefined, wanted: object | undefined]>([
  [[], undefined, undefined],
  [[['gold']], undefined, { acrValues: ['gold'] }],
  [[], 60, { acrValues: [], maxAgeSec: 60 }],
])('SU-1: with acr %j and maxAgeSec %j the login is %j', (acrs, maxAgeSec, wanted) => {
  expect(wantedLogin({ acrs, maxAgeSec })).toEqual(wanted);
});

describe('SU-1: a login that a rule is not met by', () => {
  it.each<[claims: Readonly<Record<string, unknown>>, rule: AuthRule, log: string]>([
    [{}, { acr: ['gold', 'platinum'] }, 'acr: expected "gold", "platinum", came nothing'],
    [{ acr: 'silver' }, { acr: 'gold' }, 'acr: expected "gold", came "silver"'],
    [{ acr: 'GOLD' }, { acr: 'gold' }, 'acr: expected "gold", came "GOLD"'],
    [{ acr: 'gold silver' }, { acr: 'gold' }, 'acr: expected "gold", came "gold silver"'],
    [{ acr: ['gold'] }, { acr: 'gold' }, 'acr: expected "gold", came "gold"'],
    [{ amr: ['gold'] }, { acr: 'gold' }, 'acr: expected "gold", came nothing'],
  ])('%j by %j', (claims, rule, log) => {
    const values = [rule.acr].flat().join(' ');

    expect(outcome(claims, rule)).toEqual([
      challenge(`with acr ${values.replaceAll(' ', ' or ')}`, `acr_values="${values}"`),
      `${log}; see @Auth({ acr })`,
    ]);
  });

  it.each([
    undefined,
    NOW - 306,
    0,
    NOW + 6, // from the future
    String(NOW),
    NaN,
  ])('auth_time %j by maxAgeSec 300', (auth_time) => {
    const [said, log] = outcome({ auth_time }, { maxAgeSec: 300 });

    expect(said).toBe(challenge('no older than 300 s', 'max_age="300"'));
    expect(log).toMatch(/^auth_time: expected "1699999700 or later", came .*; see @Auth\(\{ max/);
  });

  it('is told all that the rule demands, whatever of it is unmet', () => {
    const rule: AuthRule = { acr: 'gold', maxAgeSec: 60 };
    const all = challenge('with acr gold, no older than 60 s', 'acr_values="gold"', 'max_age="60"');

    expect(outcome({ acr: 'gold' }, rule)).toEqual([all, expect.stringContaining('auth_time')]);
    expect(outcome({ auth_time: NOW }, rule)).toEqual([all, expect.stringContaining('acr')]);
  });

  it('is told what meets all rules together: the common values, the smallest age', () => {
    const [said, log] = outcome(
      { acr: 'silver', auth_time: NOW - 100 },
      { acr: 'silver gold platinum', maxAgeSec: 600 },
      { acr: 'platinum gold', maxAgeSec: 60 },
    );

    expect(said).toBe(
      challenge(
        'with acr gold or platinum, no older than 60 s',
        'acr_values="gold platinum"',
        'max_age="60"',
      ),
    );
    expect(log).toContain('acr: expected "platinum", "gold", came "silver"');
  });

  it('is told so only when nothing else stands in the way', () => {
    expect(() => outcome({}, { acr: 'gold', roles: 'admins' })).toThrow(/claims of the access/);
  });
});
