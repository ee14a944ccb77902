import { Inject, Injectable } from '@nestjs/common';
import { RefreshTokens } from '../sessions/refresh-tokens.js';
import { Revocations } from '../sessions/revocations.js';
import { Sessions } from '../sessions/sessions.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { IdentityProvider } from '../providers/identity-provider.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { OwnTokens } from './own-tokens.js';

/** Token revocation (RFC 7009): at the identity provider in passthrough mode, of our own tokens in broker mode. */
@Injectable()
export class Revoke {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly ownTokens: OwnTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly events: OidcEvents,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** In broker mode a token that is not ours is no error (RFC 7009 §2.2), and reaches nobody. */
  async revoke(token: string, hint: string | undefined): Promise<void> {
    const revoked =
      this.options.broker === undefined
        ? await this.provider.revoke(token, hint).then(() => true)
        : await this.#revokeOwn(token);
    if (!revoked) return;
    this.events.emit('revoke', { provider: this.provider.name, token: hashedId(token) });
  }

  async #revokeOwn(token: string): Promise<boolean> {
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
