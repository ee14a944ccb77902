import { OidcConfigError } from '../errors/oidc-config.error.js';
import {
  type ClaimConstraint,
  type ClaimDemand,
  parseClaimConstraint,
} from '../options/claim-constraint.js';

/** What a handler demands of the caller's token. */
export interface AuthRule {
  /** Scopes that the token must all have: a list, or separated by spaces. */
  scopes?: string | readonly string[];
  /** Roles that must all be in the flat role list. */
  roles?: string | readonly string[];
  /** Replaces the module's option `claims` for this handler; `false` lifts it. */
  claims?: ClaimConstraint | false;
  /** Let callers without a valid token through, as anonymous. */
  optional?: boolean;
}

/** An {@link AuthRule} as the guard reads it. */
export interface CheckedAuthRule {
  readonly scopes: readonly string[];
  readonly demands: readonly ClaimDemand[];
  /** `undefined`: the module's option `claims` counts; `false`: nothing does. */
  readonly claims: readonly ClaimDemand[] | false | undefined;
  readonly optional: boolean;
}

function isScope(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
}

function scopeList(scopes: AuthRule['scopes']): readonly string[] {
  if (scopes === undefined) return [];
  const given: unknown = typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : scopes;
  const list: unknown[] = Array.isArray(given) ? [...given] : [];
  if (list.length > 0 && list.every(isScope)) {
    return list;
  }
  throw new OidcConfigError(
    '@Auth({ scopes }) is empty or holds something that is no scope; an empty demand would let everybody in. ' +
      'Name at least one scope, or leave "scopes" out.',
  );
}

const KNOWN = new Set(['scopes', 'roles', 'claims', 'optional']);

/**
 * Checks a rule, when its decorator runs.
 *
 * @throws {@link OidcConfigError} for an unknown member or an empty demand.
 */
export function checkAuthRule(rule: AuthRule): CheckedAuthRule {
  const unknown = Object.keys(rule).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) {
    throw new OidcConfigError(`@Auth({ ${unknown} }) is unknown. Known: ${[...KNOWN].join(', ')}.`);
  }
  const claims = rule.claims;
  return Object.freeze({
    scopes: scopeList(rule.scopes),
    demands:
      rule.roles === undefined ? [] : parseClaimConstraint(asList(rule.roles), '@Auth roles'),
    claims:
      claims === undefined || claims === false
        ? claims
        : parseClaimConstraint(claims, '@Auth claims'),
    optional: rule.optional === true,
  });
}

function asList(roles: string | readonly string[]): readonly string[] {
  return typeof roles === 'string' ? [roles] : roles;
}
