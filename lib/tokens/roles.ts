import { claimAt, memberOf } from './claim-path.js';
import { scopeWords, textList } from './text-list.js';

type Claims = Readonly<Record<string, unknown>>;

/**
 * The flat role list: `realm_access.roles`, `groups`, `roles`, and `resource_access.<client>.roles` of the named
 * clients only; an admin of another application is no admin here.
 */
export function rolesOf(claims: Claims, clients: readonly string[]): string[] {
  const roles = new Set<string>();
  const add = (list: unknown): void => {
    if (list !== undefined) for (const role of textList(list)) roles.add(role);
  };
  add(memberOf(memberOf(claims, 'realm_access'), 'roles'));
  add(memberOf(claims, 'groups'));
  add(memberOf(claims, 'roles'));
  if (clients.length > 0) {
    const access = memberOf(claims, 'resource_access');
    for (const client of clients) add(memberOf(memberOf(access, client), 'roles'));
  }
  return [...roles];
}

/** Granted scopes: `scope`, else `scp` (Okta, Entra ID), each as text or as a list of texts. No claim, no scope. */
export function scopesOf(claims: Claims): string[] {
  const named = [claimAt(claims, 'scope'), claimAt(claims, 'scp')];
  return scopeWords(named.find((value) => typeof value === 'string' || Array.isArray(value)));
}
