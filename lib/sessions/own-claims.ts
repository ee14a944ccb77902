import type { IdTokenClaims } from '../tokens/id-token-claims.js';

/**
 * Whom a call is about: the verified claims of a caller, `undefined` for an anonymous one, or a bare id, of which nothing is
 * known and nothing checked.
 */
export type ClaimsOrId = IdTokenClaims | string | undefined;

/**
 * The session or the user that is meant. Claims of another issuer mean none of ours, whatever they say: a trusted instance
 * writes into its tokens what it likes, and its users may have the names of ours.
 */
export function ownName(
  whom: ClaimsOrId,
  claim: 'sid' | 'sub',
  issuer: string,
): string | undefined {
  if (typeof whom === 'string') return whom;
  return whom?.iss === issuer ? whom[claim] : undefined;
}
