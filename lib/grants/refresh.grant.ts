import { Inject, Injectable } from '@nestjs/common';
import { SessionRefresh } from '../sessions/session-refresh.js';
import { Clock, epochSeconds } from '../clock/clock.js';
import { OidcEvents } from '../events/oidc-events.js';
import { IdentityProvider } from '../providers/identity-provider.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { BrokerTokens } from '../sessions/broker-tokens.js';
import { scopeWithin } from '../tokens/scopes.js';
import { type TokenResponse, toTokenResponse } from '../tokens/token-response.js';

/** Refreshes (RFC 6749 §6): at the identity provider in passthrough mode, of our own sessions in broker mode. */
@Injectable()
export class RefreshGrant {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly sessionRefresh: SessionRefresh,
    private readonly tokens: BrokerTokens,
    private readonly events: OidcEvents,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OAuthError} 400 `invalid_grant`, `invalid_scope`; 403 when the user may not go on; 502, 503. */
  async redeem(refreshToken: string, scope: string | undefined): Promise<TokenResponse> {
    if (this.options.broker !== undefined) return this.#redeemOwn(refreshToken, scope);
    const answer = await this.provider.refresh(refreshToken, scope);
    this.events.emit('refresh', { provider: this.provider.name });
    return toTokenResponse(answer, epochSeconds(this.clock));
  }

  /** A scope that the provider has taken away meanwhile is left out: what was spent is not lost for it. */
  async #redeemOwn(refreshToken: string, scope: string | undefined): Promise<TokenResponse> {
    const open = await this.sessionRefresh.refresh(refreshToken, scope);
    const granted = open.content.scope;
    return this.tokens.respond(open, scope === undefined ? granted : scopeWithin(scope, granted));
  }
}
