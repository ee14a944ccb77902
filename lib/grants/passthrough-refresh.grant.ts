import { invalidGrant } from '../errors/oauth.error.js';
import { type Clock, epochSeconds } from '../clock/clock.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { Providers } from '../providers/providers.js';
import { counted } from '../telemetry/telemetry.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { RefreshGrant } from './refresh.grant.js';

/** Refreshes in passthrough mode: at the identity provider, with its own refresh token. */
export class PassthroughRefreshGrant extends RefreshGrant {
  constructor(
    private readonly providers: Providers,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
  ) {
    super();
  }

  async redeem(refreshToken: string, scope: string | undefined): Promise<TokenResponse> {
    const marked = await this.providers.ofMarked(refreshToken);
    if (marked === undefined) throw invalidGrant('refresh_token of no provider that is known here');
    const { provider, value } = marked;
    const answer = await counted('oidc.refreshes', { 'oidc.provider': provider.name }, () =>
      provider.refresh(value, scope),
    );
    this.events.emit('refresh', { provider: provider.name });
    return this.providers.toTokenResponse(provider, answer, epochSeconds(this.clock));
  }
}
