import { decodeJwt } from 'jose/jwt/decode';
import type { ProviderClaims } from '../options/broker-options.js';
import type { SaidClaims, SessionContent } from '../sessions/session-content.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';

/** Where there was no room for what the provider said, its ID token and the claims of the last mint stand in for it. */
export function remembered(
  { said, provider: { idToken }, claims, profile }: SessionContent,
  user: UserIdentity,
): SaidClaims {
  if (said !== undefined) return said;
  const { sub: _ours, ...minted } = claims;
  return {
    idToken: idToken === undefined ? undefined : claimsOf(idToken, user),
    userinfo: { ...profile, ...minted },
  };
}

/**
 * Claims of an ID token that was validated, and whose odd claims were told, when it came; the version before kept those of other
 * tenants too.
 */
function claimsOf(idToken: string, { iss, sub }: UserIdentity): ProviderClaims | undefined {
  const claims: Record<string, unknown> = decodeJwt(idToken);
  cleanClaims(claims, () => undefined);
  return claims['iss'] === iss && claims['sub'] === sub ? claims : undefined;
}
