import { type Clock, epochSeconds } from '../clock/clock.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import { type TokenResponse, toTokenResponse } from '../tokens/token-response.js';
import { RefreshGrant } from './refresh.grant.js';

/** Refreshes in passthrough mode: at the identity provider, with its own refresh token. */
export class PassthroughRefreshGrant extends RefreshGrant {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
  ) {
    super();
  }

  async redeem(refreshToken: string, scope: string | undefined): Promise<TokenResponse> {
    const answer = await this.provider.refresh(refreshToken, scope);
    this.events.emit('refresh', { provider: this.provider.name });
    return toTokenResponse(answer, epochSeconds(this.clock));
  }
}
