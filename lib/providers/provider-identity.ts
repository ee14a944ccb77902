import { hash } from 'node:crypto';
import type { ResolvedProvider } from '../options/resolve-provider.js';

/** Tells a provider from another one that comes under its name: a hash of its issuer and of our client there. */
export function identityOf({ expectedIssuers, clientId }: ResolvedProvider): string {
  return hash('sha256', JSON.stringify([expectedIssuers, clientId]), 'base64url').slice(0, 16);
}

/** Who gave something: an issuer, to a client of ours. What a version before wrote does not say; there was one provider only. */
export interface Giver {
  readonly issuer?: string | undefined;
  readonly clientId?: string | undefined;
}

/** Whether it is this provider and this client that gave it, as far as that is said. */
export function gave(
  { options: { clientId: ours, tenants, expectedIssuers } }: { readonly options: ResolvedProvider },
  { issuer, clientId }: Giver,
): boolean {
  if (clientId !== undefined && clientId !== ours) return false;
  return issuer === undefined || tenants.length > 0 || expectedIssuers.includes(issuer);
}
