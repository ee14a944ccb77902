import { Inject, Injectable } from '@nestjs/common';
import { RefreshTokens } from '../broker/refresh-tokens.js';
import { SessionRefresh } from '../broker/session-refresh.js';
import { Sessions } from '../broker/sessions.js';
import { Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcEvents } from '../events/oidc-events.js';
import { IdentityProvider } from '../idp/identity-provider.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { BrokerTokens } from './broker-tokens.js';
import { type TokenResponse, toTokenResponse } from './token-response.js';

/** Refreshes (RFC 6749 §6): at the identity provider in passthrough mode, of our own sessions in broker mode. */
@Injectable()
export class RefreshGrant {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly refreshTokens: RefreshTokens,
    private readonly sessions: Sessions,
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

  async #redeemOwn(refreshToken: string, scope: string | undefined): Promise<TokenResponse> {
    if (scope !== undefined) await this.#checkScope(refreshToken, scope);
    const open = await this.sessionRefresh.refresh(refreshToken);
    return this.tokens.respond(open, scope ?? open.content.scope);
  }

  /** Before anything is spent: no more than the session has (RFC 6749 §6). */
  async #checkScope(refreshToken: string, scope: string): Promise<void> {
    const presented = this.refreshTokens.read(refreshToken);
    const open = presented && (await this.sessions.findOpen(presented.sessionId));
    if (!open) return; // the refresh itself says what is wrong
    const granted = open.content.scope.split(' ');
    if (
      scope
        .split(' ')
        .filter(Boolean)
        .every((one) => granted.includes(one))
    )
      return;
    throw new OAuthError('invalid_scope', 'The session does not have these scopes');
  }
}
