import type { JsonMembers } from './compact-jws.js';
import type { MisbehavingProvider } from './misbehaving-provider.js';

/** Tenants that share an identity provider, and one that is not listed. */
export const TENANTS = [
  '11111111-2222-3333-4444-555555555555',
  '66666666-7777-8888-9999-000000000000',
] as const;
export const FOREIGN_TENANT = '99999999-aaaa-bbbb-cccc-dddddddddddd';

/** The issuer of a tenant, or with `{tenantid}` the published template. */
export function issuerOf(provider: MisbehavingProvider, tenant: string): string {
  return `${provider.issuer}/${tenant}/v2.0`;
}

/** Makes a provider publish an issuer that tenants share, as Entra ID does. */
export function shareIssuer(provider: MisbehavingProvider): void {
  provider.behaviour.metadata = ({
    authorization_response_iss_parameter_supported: _flag,
    ...document
  }) => ({ ...document, issuer: issuerOf(provider, '{tenantid}') });
}

/** Claims by which a token is of a tenant. */
export function ofTenant(provider: MisbehavingProvider, tenant: string): JsonMembers {
  return { iss: issuerOf(provider, tenant), tid: tenant, ver: '2.0' };
}

/** From now on its tokens are of that tenant, with these claims changed. */
export function speakFor(
  provider: MisbehavingProvider,
  tenant: string,
  changes: JsonMembers = {},
): void {
  const claims = (others: JsonMembers): JsonMembers => ({
    ...others,
    ...ofTenant(provider, tenant),
    ...changes,
  });
  provider.behaviour.idToken = { claims };
  provider.behaviour.accessToken = { claims };
}
