import type { OidcEvents } from '../events/oidc-events.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { RefreshTokens } from '../sessions/refresh-tokens.js';
import type { Revocations } from '../sessions/revocations.js';
import type { Sessions } from '../sessions/sessions.js';
import type { OwnTokens } from './own-tokens.js';
import { type RevocationRequest, Revoke } from './revoke.js';

/** Revocation in broker mode: a token that is not ours is no error (RFC 7009 §2.2), and reaches nobody. */
export class BrokerRevoke extends Revoke {
  constructor(
    events: OidcEvents,
    private readonly ownTokens: OwnTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
  ) {
    super(events);
  }

  protected async end({ token }: RevocationRequest): Promise<string | undefined> {
    const refreshToken = this.refreshTokens.read(token);
    if (refreshToken !== undefined) return this.#endSession(refreshToken.sessionId);
    const claims = await this.ownTokens.read(token);
    if (claims === undefined || claims === 'foreign') return undefined;
    if (claims.jti !== undefined) await this.revocations.revokeToken(claims.jti, claims);
    if (claims.sid !== undefined) await this.#endSession(claims.sid);
    const { idp = DEFAULT_PROVIDER } = claims;
    return typeof idp === 'string' ? idp : DEFAULT_PROVIDER;
  }

  async #endSession(id: string): Promise<string | undefined> {
    const session = await this.sessions.find(id);
    if (session === undefined || !(await this.sessions.end(session, 'revoked'))) return undefined;
    return session.provider;
  }
}
