import type { Grant, KoaContextWithOIDC } from 'oidc-provider';

/** Identifier of the sample API (RFC 8707 §2); its tokens carry the audience that the application checks. */
export const apiResource = 'urn:quickstart:api';

export const knownScopes = ['openid', 'offline_access', 'profile', 'email', 'myscope'];

/** Notes that the person allows these scopes, at the provider's own endpoints and at the sample API. */
export function allowScopes(grant: Grant, scopes: readonly string[]): void {
  grant.addOIDCScope([...scopes]);
  grant.addResourceScope(apiResource, [...scopes]);
}

/**
 * Application and provider belong together here, so nobody is asked for consent unless the request says
 * `prompt=consent`, as the Python client's does; then it is the consent page that makes the grant.
 */
export async function loadExistingGrant({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { account, client, provider, result, session } = oidc;
  if (account === undefined || client === undefined) return undefined;
  const id = result?.consent?.grantId ?? session?.grantIdFor(client.clientId);
  const known = id === undefined ? undefined : await provider.Grant.find(id);
  if (result?.consent !== undefined || oidc.promptPending('consent')) return known;

  const { accountId } = account;
  const grant = known ?? new provider.Grant({ accountId, clientId: client.clientId });
  allowScopes(grant, [...oidc.requestParamScopes]);
  await grant.save();
  return grant;
}
