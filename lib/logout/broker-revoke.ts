import type { OidcEvents } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { RefreshTokens } from '../sessions/refresh-tokens.js';
import type { Revocations } from '../sessions/revocations.js';
import type { Sessions } from '../sessions/sessions.js';
import type { OwnTokens } from './own-tokens.js';
import { Revoke } from './revoke.js';

/** Revocation in broker mode: a token that is not ours is no error (RFC 7009 §2.2), and reaches nobody. */
export class BrokerRevoke extends Revoke {
  constructor(
    provider: IdentityProvider,
    events: OidcEvents,
    private readonly ownTokens: OwnTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
  ) {
    super(provider, events);
  }

  protected async end(token: string): Promise<boolean> {
    const refreshToken = this.refreshTokens.read(token);
    if (refreshToken !== undefined) return this.#endSession(refreshToken.sessionId);
    const claims = await this.ownTokens.read(token);
    if (claims === undefined || claims === 'foreign') return false;
    if (claims.jti !== undefined) await this.revocations.revokeToken(claims.jti, claims);
    if (claims.sid !== undefined) await this.#endSession(claims.sid);
    return true;
  }

  async #endSession(id: string): Promise<boolean> {
    const session = await this.sessions.find(id);
    return session !== undefined && (await this.sessions.end(session, 'revoked'));
  }
}
