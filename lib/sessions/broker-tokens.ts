import type { OpenSession } from './open-session.js';
import type { UpstreamTokens } from './upstream-tokens.js';
import type { TokenMinter } from './token-minter.js';
import { type Clock, epochSeconds } from '../clock/clock.js';
import type { TokenResponse } from '../tokens/token-response.js';

/** Token responses of broker mode: a minted access token, and our own refresh token. */
export class BrokerTokens {
  constructor(
    private readonly minter: TokenMinter,
    private readonly upstream: Pick<UpstreamTokens, 'clientIdAt'>,
    private readonly clock: Clock,
  ) {}

  /**
   * @param scope a part of the session's scopes, when the caller asked for less (RFC 6749 §6).
   * @throws {@link OAuthError} 503 while there is no key to sign with.
   */
  async respond({ session, content }: OpenSession, scope = content.scope): Promise<TokenResponse> {
    const minted = await this.minter.mint({
      claims: content.claims,
      provider: session.provider,
      clientId: content.provider.clientId ?? this.upstream.clientIdAt(session.provider),
      providerIssuer: content.provider.issuer,
      scope,
      sessionId: session.id,
      notAfter: session.expiresAt,
    });
    const nowSec = epochSeconds(this.clock);
    const { refreshToken, provider } = content;
    const sessionEnd = Math.floor(session.expiresAt.getTime() / 1000);
    const refreshEnd = Math.min(sessionEnd, provider.refreshExpiresAt ?? Infinity);
    return {
      access_token: minted.token,
      token_type: 'Bearer',
      expires: minted.expiresAt,
      expires_in: Math.max(0, minted.expiresAt - nowSec),
      ...(refreshToken === undefined
        ? {}
        : { refresh_token: refreshToken, refresh_expires: Math.max(refreshEnd, nowSec + 1) }),
      scope,
    };
  }
}
