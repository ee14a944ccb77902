import { type Clock, epochSeconds } from '../clock/clock.js';
import { frozenCopy } from '../options/frozen-copy.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { unavailable } from '../errors/oauth.error.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { LookedUp } from '../tokens/cookie-callers.js';
import type { Verification } from '../tokens/verification-cache.js';
import type { TokenIssuer } from '../tokens/verification-keys.js';
import type { OwnIssuer } from './own-issuer.js';
import type { Revocations } from './revocations.js';
import type { OpenSession } from './open-session.js';
import type { SessionContent } from './session-content.js';
import type { UpstreamTokens } from './upstream-tokens.js';

/** The claims of a browser's session, as a token of ours would say them: no token is made. */
export class BrowserClaims {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly own: OwnIssuer,
    private readonly revocations: Revocations,
    private readonly upstream: UpstreamTokens,
  ) {}

  /** Ourselves, once it is known what was revoked. @throws {@link OAuthError} 503 */
  async issuer(): Promise<TokenIssuer> {
    const issuer = await this.own.named(this.broker.issuer);
    if (issuer === undefined) throw unavailable('no issuer');
    return issuer;
  }

  /** When what the provider said of the user is over, in seconds since 1970; never without a refresh token of its, when the session ends by itself. */
  renewedBySec({ provider, claimsAt = 0 }: SessionContent): number {
    if (provider.refreshToken === undefined) return Infinity;
    return claimsAt + this.broker.accessTokenLifetimeSec;
  }

  of(
    { session, content }: OpenSession,
    issuer: TokenIssuer,
  ): Verification & Pick<LookedUp, 'untilSec'> {
    const { provider } = session;
    const createdSec = Math.floor(session.createdAt.getTime() / 1000);
    const { several } = this.options.providers;
    const { issuer: providerIssuer } = content.provider;
    const said: Record<string, unknown> & IdTokenClaims = {
      ...content.claims,
      iss: this.broker.issuer,
      aud: this.broker.audience,
      client_id: content.provider.clientId ?? this.upstream.clientIdAt(provider),
      ...(several || provider !== DEFAULT_PROVIDER ? { idp: provider } : {}),
      ...(several && providerIssuer !== undefined ? { idp_iss: providerIssuer } : {}),
      scope: content.scope,
      sid: session.id,
      iat: createdSec,
      exp: Math.floor(session.expiresAt.getTime() / 1000),
    };
    cleanClaims(said, () => undefined); // the collector reported it
    const claims = frozenCopy<IdTokenClaims>(said);
    const seen = { ...claims, iat: epochSeconds(this.clock) };
    const holds = (): boolean => this.upstream.accepts(claims) && !this.revocations.covers(seen);
    const untilSec = Math.min(claims.exp, this.renewedBySec(content));
    return { claims, issuer, holds, untilSec };
  }
}
