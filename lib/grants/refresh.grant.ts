import type { TokenResponse } from '../tokens/token-response.js';

/** Refreshes (RFC 6749 §6): where the modes differ. */
export abstract class RefreshGrant {
  /**
   * @param key that the caller has proved to hold, by its thumbprint.
   * @throws {@link OAuthError} 400 `invalid_grant`, `invalid_scope`, `invalid_dpop_proof`; 403 when the user may not go on; 502, 503.
   */
  abstract redeem(
    refreshToken: string,
    scope: string | undefined,
    key: string | undefined,
  ): Promise<TokenResponse>;
}
