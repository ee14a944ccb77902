import type { ResolvedProvider } from '../options/resolve-provider.js';
import { restrictClaims } from '../tokens/restrict-claims.js';
import type { Introspection, TokenIssuer, VerificationKeys } from '../tokens/verification-keys.js';

/** Nothing to take out is nothing to look for. */
function limitsOf({
  roles,
  tokenScopes: scopes,
  roleClients,
}: ResolvedProvider): Pick<TokenIssuer, 'restrict'> {
  if (roles === undefined && scopes === undefined) return {};
  return { restrict: (payload) => restrictClaims(payload, { roles, scopes }, roleClients) };
}

/** What the verifier must know of a provider under one of its names. */
export function providersIssuer(
  issuer: string,
  options: ResolvedProvider,
  keys: VerificationKeys,
  introspection: Introspection | undefined,
): TokenIssuer {
  return {
    kind: 'provider',
    issuer,
    provider: options.name,
    keys,
    algorithms: options.tokenAlgorithms,
    audience: options.audience,
    clientId: options.clientId,
    otherClientIds: options.exchangeClients,
    accessTokenMark: options.accessTokenMark,
    roleClients: options.roleClients,
    defaultDemands: options.claims,
    demands: [],
    ...(introspection && { introspection }),
    ...limitsOf(options),
  };
}
