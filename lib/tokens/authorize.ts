import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { ClaimDemand } from '../options/claim-constraint.js';
import type { CheckedAuthRule } from './auth-rule.js';
import type { TimeRules } from './check-claims.js';
import { claimAt, meetsDemand } from './claim-path.js';
import type { Identity } from './identity.js';
import { scopesOf } from './roles.js';
import { checkLogin } from './step-up.js';

/** Claims that describe a person (OpenID Connect Core §5.1): their values do not belong in a log. */
const PERSONAL =
  /(^|[./_])(sub|.*name|e?mails?|phone.*|address|birth.*|gender|profile|picture|website|upn|oid|uid)$/i;

function checkScopes(claims: Identity['claims'], { scopes, anyScopes }: CheckedAuthRule): void {
  if (scopes.length === 0 && anyScopes.length === 0) return;
  const granted = scopesOf(claims);
  const missing = scopes.filter((scope) => !granted.includes(scope));
  if (missing.length > 0) {
    const cause = new Reason('scopes', { missing, option: '@Auth({ scopes })' });
    const text = `Token is missing required scopes: ${missing.join(' ')}`;
    throw new OAuthError('insufficient_scope', text, { scopes, cause });
  }
  const unmet = anyScopes.find((list) => !list.some((scope) => granted.includes(scope)));
  if (unmet === undefined) return;
  const cause = new Reason('none of the scopes', { missing: unmet, option: '@Auth({ anyScope })' });
  const text = `Token is missing required scopes, one of: ${unmet.join(' ')}`;
  throw new OAuthError('insufficient_scope', text, { scopes: unmet, cause });
}

function checkProvider({ provider }: Identity, { providers }: CheckedAuthRule): void {
  if (providers === undefined || (provider !== undefined && providers.includes(provider))) return;
  const cause = new Reason('provider', {
    expected: providers,
    came: provider ?? 'none of ours',
    option: '@Auth({ providers })',
  });
  throw new OAuthError('insufficient_scope', 'Users of this provider may not call this', { cause });
}

function claimsRefusal(cause: Reason): OAuthError {
  const text = 'The claims of the access token do not allow this request';
  return new OAuthError('insufficient_scope', text, { cause });
}

/** Where roles never arrive, no role of a user's will help. */
function mendOf(roles: readonly string[]): { mend?: string } {
  if (roles.length > 0) return {};
  return { mend: 'no role arrived at all: does the provider write roles into these tokens?' };
}

/** Why a demand is not met, without what the user's claims hold instead. */
export function unmetDemand(
  {
    claims,
    roles,
  }: Pick<Identity, 'roles'> & { readonly claims: Readonly<Record<string, unknown>> },
  { path, values }: ClaimDemand,
  option: string,
): Reason {
  if (path === undefined) {
    const missing = values.map(String).filter((role) => !roles.includes(role));
    return new Reason('roles', { missing, option, ...mendOf(roles) });
  }
  const expected = PERSONAL.test(path) ? {} : { expected: values };
  if (claimAt(claims, path) === undefined) {
    const anchor = 'reason-claim-is-not-there';
    return new Reason(`claim ${path} is not there`, { ...expected, option, anchor });
  }
  const anchor = 'reason-claim-holds-other-values';
  return new Reason(`claim ${path} holds other values`, { ...expected, option, anchor });
}

function checkDemands(identity: Identity, demands: readonly ClaimDemand[], option: string): void {
  const { claims, roles } = identity;
  const unmet = demands.find((demand) => !meetsDemand(claims, demand, roles));
  if (unmet !== undefined) throw claimsRefusal(unmetDemand(identity, unmet, option));
}

/**
 * Holds a verified caller against a rule and against what its issuer demands besides; conditions are the guard's. A better login is asked for
 * only of those to whom it would open something.
 *
 * @throws {@link OAuthError} 403 `insufficient_scope`; 401 `insufficient_user_authentication`
 */
export function authorize(
  identity: Identity,
  rule: CheckedAuthRule,
  ofIssuer: readonly ClaimDemand[],
  times: Pick<TimeRules, 'nowSec' | 'toleranceSec'>,
): void {
  checkProvider(identity, rule);
  checkScopes(identity.claims, rule);
  checkDemands(identity, rule.demands, '@Auth({ roles, claims })');
  checkDemands(identity, ofIssuer, 'the option "claims"');
  const unmet = rule.anyRoles.find((list) => !list.some((role) => identity.roles.includes(role)));
  if (unmet !== undefined) {
    throw claimsRefusal(
      new Reason('none of the roles', {
        missing: unmet,
        option: '@Auth({ anyRole })',
        ...mendOf(identity.roles),
      }),
    );
  }
  checkLogin(identity, rule, times);
}
