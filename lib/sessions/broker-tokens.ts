import type { OpenSession } from './open-session.js';
import type { RefreshTokens } from './refresh-tokens.js';
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
    private readonly refreshTokens: RefreshTokens,
  ) {}

  /**
   * @param scope a part of the session's scopes, when the caller asked for less (RFC 6749 §6).
   * @param proved the key that the caller has proved to hold, by its thumbprint. What the session's refresh token is bound to goes before it.
   * @throws {@link OAuthError} 503 while there is no key to sign with.
   */
  async respond(
    { session, content }: OpenSession,
    {
      scope = content.scope,
      proved,
    }: { readonly scope?: string; readonly proved?: string | undefined } = {},
  ): Promise<TokenResponse> {
    const { refreshToken, provider } = content;
    const bound = refreshToken === undefined ? undefined : this.refreshTokens.read(refreshToken);
    const key = bound?.key ?? proved;
    const minted = await this.minter.mint({
      claims: content.claims,
      provider: session.provider,
      clientId: content.provider.clientId ?? this.upstream.clientIdAt(session.provider),
      providerIssuer: content.provider.issuer,
      scope,
      boundTo: key,
      sessionId: session.id,
      notAfter: session.expiresAt,
    });
    const nowSec = epochSeconds(this.clock);
    const sessionEnd = Math.floor(session.expiresAt.getTime() / 1000);
    const refreshEnd = Math.min(sessionEnd, provider.refreshExpiresAt ?? Infinity);
    return {
      access_token: minted.token,
      token_type: key === undefined ? 'Bearer' : 'DPoP',
      expires: minted.expiresAt,
      expires_in: Math.max(0, minted.expiresAt - nowSec),
      ...(refreshToken === undefined
        ? {}
        : { refresh_token: refreshToken, refresh_expires: Math.max(refreshEnd, nowSec + 1) }),
      scope,
    };
  }
}
