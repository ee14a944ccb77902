import type { Providers } from '../providers/providers.js';
import { boundKeyOf } from '../tokens/bound-key.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { namesUser } from './user-profile.js';
import { type CallersToken, UserProfiles } from './user-profiles.js';

/** Profiles in passthrough mode: the provider is asked, with its own token, where that names nobody. */
export class PassthroughProfiles extends UserProfiles {
  constructor(private readonly providers: Providers) {
    super();
  }

  protected async beyond(
    claims: IdTokenClaims,
    { accessToken, provider: name }: CallersToken,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (namesUser(claims) || name === undefined) return undefined;
    if (boundKeyOf(claims) !== undefined) return undefined; // the provider wants a proof for its own address
    const provider = await this.providers.find(name);
    return provider?.userinfo(accessToken, claims.sub);
  }
}
