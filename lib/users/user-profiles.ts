import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { type UserProfile, toUserProfile } from './user-profile.js';

/** What the userinfo route answers: the claims of the caller's token, and what is known beyond them, where the modes differ. */
export abstract class UserProfiles {
  /**
   * The profile of a caller whose token was verified.
   *
   * @throws {@link OAuthError} 502, 503 when the provider or the store fails.
   */
  async of(claims: IdTokenClaims, accessToken: string): Promise<UserProfile> {
    const known = await this.beyond(claims, accessToken);
    return toUserProfile({ ...claims, ...known }, claims.sub);
  }

  protected abstract beyond(
    claims: IdTokenClaims,
    accessToken: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
}
