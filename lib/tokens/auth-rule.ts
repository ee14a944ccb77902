import type { ExecutionContext } from '@nestjs/common';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import {
  type ClaimConstraint,
  type ClaimDemand,
  parseClaimConstraint,
} from '../options/claim-constraint.js';
import { isProviderName } from '../options/provider-name.js';
import { didYouMean } from '../options/unknown-option.js';
import { isRecord } from '../options/value-rules.js';
import type { IdTokenClaims } from './id-token-claims.js';
import { type StepUp, checkStepUp, sumOfStepUps } from './step-up.js';
import { isScope } from './text-list.js';

/**
 * Compares the caller's claims with the request, e.g. with a parameter of the route. Only exactly `true` lets it through; what it
 * throws is a fault of the host's (500, logged).
 */
export type AuthCondition = (
  claims: IdTokenClaims,
  context: ExecutionContext,
) => boolean | Promise<boolean>;

/** What a handler demands of the caller's token. Rules of a class, of its handler and of several decorators add up. */
export interface AuthRule {
  /** Scopes that the token must all have: a list, or separated by spaces. */
  scopes?: string | readonly string[];
  /** Scopes of which the token must have one. */
  anyScope?: string | readonly string[];
  /** Roles that must all be in the flat role list. */
  roles?: string | readonly string[];
  /** Roles of which one must be in the flat role list. */
  anyRole?: string | readonly string[];
  /**
   * Identity providers whose users may call: names of the option `providers`. Users of trusted issuers are of none of them. Of several
   * rules only the names that all of them have count.
   */
  providers?: string | readonly string[];
  /** Replaces the module's option `claims` for this handler; `false` lifts that option, and nothing else. */
  claims?: ClaimConstraint | false;
  /**
   * Authentication context classes of which the token's `acr` must be one (RFC 9470): a list, or separated by spaces. Else 401
   * `insufficient_user_authentication`, with `acr_values` in the challenge. Each list of several rules holds by itself.
   */
  acr?: string | readonly string[];
  /**
   * How long ago the user may have logged in, in seconds, by the token's `auth_time`; a token without it does not meet the rule
   * (RFC 9470). Else 401 `insufficient_user_authentication`, with `max_age` in the challenge. A whole number, 1 at least; of several rules the
   * smallest counts. Clocks may differ by the option `clockToleranceSec`.
   */
  maxAgeSec?: number;
  /** For comparisons with the request. It is asked last, when everything else holds. */
  when?: AuthCondition;
  /**
   * `'login'`: a person who opens this page without being logged in is sent to log in, and comes back to it, where the answer would be 401. Needs
   * the option `session`; counts where any rule that adds up says so. Other requests than the opening of a page get their 401.
   */
  onUnauthenticated?: 'login';
  /** Let callers without a valid token through, as anonymous; counts only where every rule that adds up says so. */
  optional?: boolean;
}

/** An {@link AuthRule} as the guard reads it, or the sum of several. */
export interface CheckedAuthRule extends StepUp {
  readonly scopes: readonly string[];
  /** Lists of scopes, of each of which one is needed. */
  readonly anyScopes: readonly (readonly string[])[];
  /** Demands on claims and on the flat role list; each must hold. */
  readonly demands: readonly ClaimDemand[];
  /** Lists of roles, of each of which one is needed. */
  readonly anyRoles: readonly (readonly string[])[];
  /** Identity providers of which the caller must be; `undefined`: anybody may. */
  readonly providers: readonly string[] | undefined;
  /** Whether the module's option `claims` counts: not where a rule names claims of its own, or says `false`. */
  readonly defaultClaims: boolean;
  readonly conditions: readonly AuthCondition[];
  readonly optional: boolean;
  /** Whether people are sent to log in. */
  readonly logsIn: boolean;
}

function scopeList(scopes: string | readonly string[] | undefined, member: string): string[] {
  if (scopes === undefined) return [];
  const given: unknown = typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : scopes;
  const list: unknown[] = Array.isArray(given) ? [...given] : [];
  if (list.length > 0 && list.every(isScope)) {
    return list;
  }
  throw new OidcConfigError(
    `@Auth({ ${member} }) is empty or holds something that is no scope; an empty demand would let everybody in. ` +
      `Name at least one scope, or leave "${member}" out.`,
  );
}

function roleDemands(
  roles: string | readonly string[] | undefined,
  member: string,
): readonly ClaimDemand[] {
  if (roles === undefined) return [];
  return parseClaimConstraint(roles, `@Auth ${member}`);
}

function anyRoleList(anyRole: AuthRule['anyRole']): readonly string[] {
  return roleDemands(anyRole, 'anyRole').flatMap(({ values }) =>
    values.filter((value) => typeof value === 'string'),
  );
}

function conditionList(when: unknown): readonly AuthCondition[] {
  if (when === undefined) return [];
  if (isCondition(when)) return [when];
  throw new OidcConfigError(
    `@Auth({ when }) must be a function (claims, context) => boolean; got ${when === null ? 'null' : typeof when}.`,
  );
}

function isCondition(value: unknown): value is AuthCondition {
  return typeof value === 'function';
}

function providerList(providers: AuthRule['providers']): readonly string[] | undefined {
  if (providers === undefined) return undefined;
  const list: readonly unknown[] = [providers].flat();
  const names = list.filter(isProviderName);
  if (list.length > 0 && names.length === list.length) return names;
  throw new OidcConfigError(
    '@Auth({ providers }) is empty or holds something that is no name of a provider. Name one of the option "providers" at least, or leave ' +
      'it out.',
  );
}

function wantsLogin(given: unknown): boolean {
  if (given === undefined || given === 'login') return given !== undefined;
  throw new OidcConfigError(
    `@Auth({ onUnauthenticated }) must be 'login' or left out; got ${JSON.stringify(given) ?? typeof given}.`,
  );
}

const KNOWN = new Set([
  'scopes',
  'anyScope',
  'roles',
  'anyRole',
  'providers',
  'claims',
  'when',
  'optional',
  'onUnauthenticated',
  'acr',
  'maxAgeSec',
]);

function refuseOtherThanObject(rule: unknown): void {
  if (isRecord(rule)) return;
  const other = Array.isArray(rule) ? 'a list' : `a ${typeof rule}`;
  throw new OidcConfigError(
    `@Auth() takes an object such as { roles: ['admins'] }; got ${rule === null ? 'null' : other}.`,
  );
}

/**
 * Checks a rule, when its decorator runs.
 *
 * @throws {@link OidcConfigError} for an unknown member or an empty demand.
 */
export function checkAuthRule(rule: AuthRule): CheckedAuthRule {
  refuseOtherThanObject(rule);
  const unknown = Object.keys(rule).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) {
    throw new OidcConfigError(
      `@Auth({ ${unknown} }) is unknown${didYouMean(unknown, KNOWN)} Known: ${[...KNOWN].join(', ')}.`,
    );
  }
  const { claims, anyScope, anyRole } = rule;
  const ofClaims =
    claims === undefined || claims === false ? [] : parseClaimConstraint(claims, '@Auth claims');
  return Object.freeze({
    scopes: scopeList(rule.scopes, 'scopes'),
    anyScopes: anyScope === undefined ? [] : [scopeList(anyScope, 'anyScope')],
    demands: [...roleDemands(rule.roles, 'roles'), ...ofClaims],
    anyRoles: anyRole === undefined ? [] : [anyRoleList(anyRole)],
    providers: providerList(rule.providers),
    defaultClaims: claims === undefined,
    ...checkStepUp(rule.acr, rule.maxAgeSec),
    conditions: conditionList(rule.when),
    optional: rule.optional === true,
    logsIn: wantsLogin(rule.onUnauthenticated),
  });
}

/** Where no name is left, nobody may call. */
function commonProviders(rules: readonly CheckedAuthRule[]): readonly string[] | undefined {
  const lists = rules.flatMap(({ providers }) => (providers === undefined ? [] : [providers]));
  const [first, ...others] = lists;
  return first?.filter((name) => others.every((list) => list.includes(name)));
}

/** All of the rules at once: whoever meets the sum meets each of them. */
export function sumOfRules(rules: readonly CheckedAuthRule[]): CheckedAuthRule {
  return Object.freeze({
    scopes: [...new Set(rules.flatMap(({ scopes }) => scopes))],
    anyScopes: rules.flatMap(({ anyScopes }) => anyScopes),
    demands: rules.flatMap(({ demands }) => demands),
    anyRoles: rules.flatMap(({ anyRoles }) => anyRoles),
    providers: commonProviders(rules),
    defaultClaims: rules.every(({ defaultClaims }) => defaultClaims),
    ...sumOfStepUps(rules),
    conditions: rules.flatMap(({ conditions }) => conditions),
    optional: rules.length > 0 && rules.every(({ optional }) => optional),
    logsIn: rules.some(({ logsIn }) => logsIn),
  });
}
