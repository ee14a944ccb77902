import { Inject, Injectable } from '@nestjs/common';
import { Sessions } from '../sessions/sessions.js';
import { IdentityProvider } from '../providers/identity-provider.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { checkAuthRule } from '../tokens/auth-rule.js';
import { Authenticator } from '../tokens/authenticator.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { type UserProfile, namesUser, toUserProfile } from './user-profile.js';

const ANY_TOKEN = checkAuthRule({});

/** What the userinfo route answers. Only tokens of the identity provider ever go to it. */
@Injectable()
export class UserProfiles {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly provider: IdentityProvider,
    private readonly sessions: Sessions,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OAuthError} 401, 403; 502, 503 when the provider or the store fails. */
  async of(accessToken: string): Promise<UserProfile> {
    const { claims } = await this.authenticator.authenticate(accessToken, ANY_TOKEN);
    const known = await this.#beyond(claims, accessToken);
    return toUserProfile({ ...claims, ...known }, claims.sub);
  }

  async #beyond(
    claims: IdTokenClaims,
    accessToken: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { broker } = this.options;
    if (broker === undefined) {
      return namesUser(claims) ? undefined : this.provider.userinfo(accessToken, claims.sub);
    }
    if (claims.iss !== broker.issuer || claims.sid === undefined) return undefined;
    return (await this.sessions.findOpen(claims.sid))?.content.profile;
  }
}
