import { isRecord } from '../options/value-rules.js';
import { claimAt } from './claim-path.js';

type Claims = Readonly<Record<string, unknown>>;

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/**
 * The flat role list: `realm_access.roles`, `groups`, `roles`, and `resource_access.<client>.roles` of the named
 * clients only; an admin of another application is no admin here.
 */
export function rolesOf(claims: Claims, clients: readonly string[]): string[] {
  const access = claimAt(claims, 'resource_access');
  const perClient = clients.map((client) => {
    const own = isRecord(access) && Object.hasOwn(access, client) ? access[client] : undefined;
    return claimAt({ own }, 'own.roles');
  });
  const realm = claimAt(claims, 'realm_access');
  const lists = [
    claimAt({ realm }, 'realm.roles'),
    claimAt(claims, 'groups'),
    claimAt(claims, 'roles'),
    ...perClient,
  ];
  return [...new Set(lists.flatMap(strings))];
}

/** Granted scopes: `scope` as a string, else `scp` as a list (Okta) or a string (Entra ID). No claim, no scope. */
export function scopesOf(claims: Claims): string[] {
  const scope = claimAt(claims, 'scope');
  const granted = typeof scope === 'string' ? scope : claimAt(claims, 'scp');
  if (typeof granted === 'string') return granted.split(' ').filter(Boolean);
  return strings(granted);
}
