import type { IdentityProvider } from '../providers/identity-provider.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { namesUser } from './user-profile.js';
import { UserProfiles } from './user-profiles.js';

/** Profiles in passthrough mode: the provider is asked, with its own token, where that names nobody. */
export class PassthroughProfiles extends UserProfiles {
  constructor(private readonly provider: IdentityProvider) {
    super();
  }

  protected async beyond(
    claims: IdTokenClaims,
    accessToken: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    return namesUser(claims) ? undefined : this.provider.userinfo(accessToken, claims.sub);
  }
}
