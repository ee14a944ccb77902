import { OAuthError } from '../errors/oauth.error.js';
import type { ClaimDemand } from '../options/claim-constraint.js';
import type { CheckedAuthRule } from './auth-rule.js';
import { meetsDemand } from './claim-path.js';
import type { Identity } from './identity.js';
import { scopesOf } from './roles.js';

function scopeRefusal(missing: readonly string[], needed: readonly string[]): OAuthError {
  return new OAuthError(
    'insufficient_scope',
    `The access token lacks the scopes: ${missing.join(' ')}`,
    { scopes: needed },
  );
}

function checkScopes(claims: Identity['claims'], { scopes, anyScopes }: CheckedAuthRule): void {
  if (scopes.length === 0 && anyScopes.length === 0) return;
  const granted = scopesOf(claims);
  const missing = scopes.filter((scope) => !granted.includes(scope));
  if (missing.length > 0) throw scopeRefusal(missing, scopes);
  const unmet = anyScopes.find((list) => !list.some((scope) => granted.includes(scope)));
  if (unmet === undefined) return;
  throw new OAuthError(
    'insufficient_scope',
    `The access token has none of the scopes: ${unmet.join(' ')}`,
    { scopes: unmet },
  );
}

/**
 * Holds a verified caller against a rule and against what its issuer demands besides; conditions are the guard's.
 *
 * @throws {@link OAuthError} 403 `insufficient_scope`
 */
export function authorize(
  { claims, roles }: Identity,
  rule: CheckedAuthRule,
  ofIssuer: readonly ClaimDemand[],
): void {
  checkScopes(claims, rule);
  const meetsAll =
    [...rule.demands, ...ofIssuer].every((demand) => meetsDemand(claims, demand, roles)) &&
    rule.anyRoles.every((list) => list.some((role) => roles.includes(role)));
  if (meetsAll) return;
  throw new OAuthError(
    'insufficient_scope',
    'The claims of the access token do not allow this request',
  );
}
