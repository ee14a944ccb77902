import type { Grant, KoaContextWithOIDC } from 'oidc-provider';

/** Identifier of the sample API (RFC 8707 §2); its tokens carry the audience that the application checks. */
export const apiResource = 'urn:quickstart:api';

export const knownScopes = ['openid', 'offline_access', 'profile', 'email', 'myscope'];

/** Notes that the person allows these scopes, at the provider's own endpoints and at the sample API. */
export function allowScopes(grant: Grant, scopes: readonly string[]): void {
  grant.addOIDCScope([...scopes]);
  grant.addResourceScope(apiResource, [...scopes]);
}

/** Which scopes each person has allowed: asked for at the first login, and then known, whatever ends in between. */
export class Consents {
  readonly #allowed = new Map<string, Set<string>>();

  allow(accountId: string, scopes: readonly string[]): void {
    this.#allowed.set(accountId, new Set([...this.allowedBy(accountId), ...scopes]));
  }

  allowedBy(accountId: string): readonly string[] {
    return [...(this.#allowed.get(accountId) ?? [])];
  }
}

/**
 * What the person has allowed so far. The provider shows the consent page when that is too little, and when the request says
 * `prompt=consent`, as the Python client's does.
 */
export function grantLoader(consents: Consents) {
  return async ({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const { account, client, provider, result, session } = oidc;
    if (account === undefined || client === undefined) return undefined;
    const id = result?.consent?.grantId ?? session?.grantIdFor(client.clientId);
    const known = id === undefined ? undefined : await provider.Grant.find(id);
    const allowed = consents.allowedBy(account.accountId);
    if (known !== undefined || allowed.length === 0) return known;

    const grant = new provider.Grant({
      accountId: account.accountId,
      clientId: client.clientId,
    });
    allowScopes(grant, allowed);
    await grant.save();
    return grant;
  };
}
