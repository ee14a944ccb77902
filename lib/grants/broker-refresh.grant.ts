import type { BrokerTokens } from '../sessions/broker-tokens.js';
import type { SessionRefresh } from '../sessions/session-refresh.js';
import { scopeWithin } from '../tokens/scopes.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { RefreshGrant } from './refresh.grant.js';

/** Refreshes in broker mode: of our own sessions. */
export class BrokerRefreshGrant extends RefreshGrant {
  constructor(
    private readonly sessionRefresh: SessionRefresh,
    private readonly tokens: BrokerTokens,
  ) {
    super();
  }

  /** A scope that the provider has taken away meanwhile is left out: what was spent is not lost for it. */
  async redeem(
    refreshToken: string,
    scope: string | undefined,
    proved: string | undefined,
  ): Promise<TokenResponse> {
    const open = await this.sessionRefresh.refresh(refreshToken, scope, proved);
    const granted = open.content.scope;
    const given = scope === undefined ? granted : scopeWithin(scope, granted);
    return this.tokens.respond(open, { scope: given, proved });
  }
}
