import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { Identity } from '../tokens/identity.js';
import { type UserProfile, toUserProfile } from './user-profile.js';

/** The token of a caller, and the name of its identity provider. */
export interface CallersToken {
  readonly accessToken: string;
  readonly provider: string | undefined;
}

/** What the userinfo route answers: the claims of the caller's token, and what is known beyond them, where the modes differ. */
export abstract class UserProfiles {
  /**
   * The profile of a caller whose token was verified.
   *
   * @throws {@link OAuthError} 502, 503 when the provider or the store fails.
   */
  async of({ claims, provider }: Identity, accessToken: string): Promise<UserProfile> {
    const known = await this.beyond(claims, { accessToken, provider });
    return toUserProfile({ ...claims, ...known }, claims.sub);
  }

  protected abstract beyond(
    claims: IdTokenClaims,
    token: CallersToken,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
}
