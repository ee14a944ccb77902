import { isRecord } from '../options/value-rules.js';
import { claimAt } from './claim-path.js';
import { scopeWords, textList } from './text-list.js';

type Claims = Readonly<Record<string, unknown>>;

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
  return [...new Set(lists.flatMap(textList))];
}

/** Granted scopes: `scope`, else `scp` (Okta, Entra ID), each as text or as a list of texts. No claim, no scope. */
export function scopesOf(claims: Claims): string[] {
  const named = [claimAt(claims, 'scope'), claimAt(claims, 'scp')];
  return scopeWords(named.find((value) => typeof value === 'string' || Array.isArray(value)));
}
