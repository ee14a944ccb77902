import type { ResolvedTrustedIssuer } from '../options/trusted-issuer.js';
import { rolesOf, scopesOf } from '../tokens/roles.js';

const ROLE_CLAIMS: readonly string[] = ['roles', 'groups', 'realm_access', 'resource_access'];
const SCOPE_CLAIMS: readonly string[] = ['scope', 'scp'];

/** What only our own tokens can say: a session of ours, and which of our identity providers it came from. */
const OWN_CLAIMS: readonly string[] = ['sid', 'idp'];

/** Removes these claims, and those whose own name would be read as a path into one, such as `realm_access.roles`. */
function remove(payload: Record<string, unknown>, claims: readonly string[]): boolean {
  const found = Object.keys(payload).filter((name) => claims.includes(name.split('.')[0] ?? ''));
  for (const name of found) Reflect.deleteProperty(payload, name);
  return found.length > 0;
}

/**
 * Leaves in the claims of a peer's token only the roles and scopes that it may give: what is left of its flat role list
 * becomes `roles`, what is left of its scopes becomes `scope`, and every other claim that could say the same goes. Whatever
 * would name something of ours goes always.
 */
export function restrictClaims(
  payload: Record<string, unknown>,
  { roles, scopes }: Pick<ResolvedTrustedIssuer, 'roles' | 'scopes'>,
  roleClients: readonly string[],
): void {
  remove(payload, OWN_CLAIMS);
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
