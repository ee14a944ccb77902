import { rolesOf, scopesOf } from './roles.js';

/** What an issuer may give; `undefined`: anything. */
export interface ClaimLimits {
  readonly roles: readonly string[] | undefined;
  readonly scopes: readonly string[] | undefined;
}

const ROLE_CLAIMS: readonly string[] = ['roles', 'groups', 'realm_access', 'resource_access'];
const SCOPE_CLAIMS: readonly string[] = ['scope', 'scp'];

/** What only our own tokens can say: a session of ours, and which of our identity providers it came from. */
const OWN_CLAIMS: readonly string[] = ['sid', 'idp', 'idp_iss'];

/** Removes these claims, and those whose own name would be read as a path into one, such as `realm_access.roles`. */
function remove(payload: Record<string, unknown>, claims: readonly string[]): boolean {
  const found = Object.keys(payload).filter((name) => claims.includes(name.split('.')[0] ?? ''));
  for (const name of found) Reflect.deleteProperty(payload, name);
  return found.length > 0;
}

/** Takes out of another issuer's claims what would name something of ours. */
export function removeOwnClaims(payload: Record<string, unknown>): void {
  remove(payload, OWN_CLAIMS);
}

/**
 * Leaves in claims only the roles and scopes that their issuer may give: what is left of its flat role list becomes `roles`, what is
 * left of its scopes becomes `scope`, and every other claim that could say the same goes.
 */
export function restrictClaims(
  payload: Record<string, unknown>,
  { roles, scopes }: ClaimLimits,
  roleClients: readonly string[],
): void {
  if (roles !== undefined) {
    const left = rolesOf(payload, roleClients).filter((role) => roles.includes(role));
    remove(payload, ROLE_CLAIMS);
    payload['roles'] = left;
  }
  if (scopes !== undefined) {
    const left = scopesOf(payload).filter((scope) => scopes.includes(scope));
    if (remove(payload, SCOPE_CLAIMS)) payload['scope'] = left.join(' ');
  }
}
