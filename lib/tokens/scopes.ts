import { invalidScope } from '../errors/invalid-scope.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';

type ScopeOptions = Pick<ResolvedProvider, 'scopes' | 'allowedScopes' | 'offlineAccess'>;

const OFFLINE = 'offline_access';

/**
 * The scopes of a login: those asked for, if allowed, else the module's; `openid` always, `offline_access` on demand
 * unless the option `offlineAccess` forbids it. The options are never changed.
 *
 * @throws {@link OAuthError} 400 `invalid_scope`
 */
export function loginScope(
  { scopes, allowedScopes, offlineAccess }: ScopeOptions,
  asked: string | undefined,
  offline: boolean,
): string {
  const wanted = (asked ?? '').split(' ').filter(Boolean);
  const refused = wanted.filter((scope) => !allowedScopes.includes(scope));
  if (refused.length > 0) {
    const option = '"scopes", "additionalScopes"';
    throw invalidScope('A scope that was asked for is not allowed here', {
      expected: allowedScopes,
      came: refused,
      option,
    });
  }
  const all = new Set(['openid', ...(wanted.length > 0 ? wanted : scopes)]);
  if (offline) all.add(OFFLINE);
  if (!offlineAccess) all.delete(OFFLINE);
  return [...all].join(' ');
}

/** Those scopes of a list that are granted. */
export function scopeWithin(scope: string, granted: string): string {
  const allowed = granted.split(' ');
  return scope
    .split(' ')
    .filter((one) => one !== '' && allowed.includes(one))
    .join(' ');
}
