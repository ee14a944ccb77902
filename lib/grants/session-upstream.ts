import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import type {
  ProviderTokens,
  SaidClaims,
  SessionContent,
  UserClaims,
} from '../broker/session-content.js';
import { type RenewedTokens, SessionEnd, UpstreamTokens } from '../broker/upstream-tokens.js';
import type { Deadline } from '../clock/deadline.js';
import { within } from '../clock/within.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { IdentityProvider, OTHER_SUBJECT } from '../idp/identity-provider.js';
import type { TokenAnswer } from '../idp/token-answer.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import { scopeWithin } from './scopes.js';
import { UserClaimsCollector } from './user-claims-collector.js';

const REVOCATION_LIMIT_MS = 3000;

/** The identity provider as sessions see it. */
@Injectable()
export class SessionUpstream extends UpstreamTokens {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly collector: UserClaimsCollector,
    private readonly events: OidcEvents,
  ) {
    super();
  }

  prepare(): Promise<void> {
    return this.provider.prepare();
  }

  async renew(
    sessionId: string,
    content: SessionContent,
    deadline: Deadline,
  ): Promise<RenewedTokens> {
    const answer = await this.#refreshed(content, deadline);
    this.events.emit('refresh', { provider: this.provider.name, session: hashedId(sessionId) });
    const { provider: before } = content;
    const provider: ProviderTokens = {
      accessToken: answer.accessToken,
      accessExpiresAt: answer.expiresAt,
      refreshToken: answer.refreshToken,
      refreshExpiresAt: answer.refreshExpiryStated ? answer.refreshExpiresAt : undefined,
      idToken: answer.idToken ?? before.idToken,
    };
    const scope = scopeWithin(content.scope, answer.scope);
    try {
      return { provider, scope, ...(await this.#claims(sessionId, content, answer, deadline)) };
    } catch (error) {
      if (isRefusal(error)) throw new SessionEnd('claims-no-longer-allowed', error, provider);
      if (error instanceof OAuthError && error.cause === OTHER_SUBJECT) {
        throw new SessionEnd('subject-changed', invalidGrant(error), provider);
      }
      throw error;
    }
  }

  async revoke({ refreshToken, accessToken }: ProviderTokens): Promise<void> {
    const token = refreshToken ?? accessToken;
    if (token === undefined) return;
    const hint = refreshToken === undefined ? 'access_token' : 'refresh_token';
    const revoked = this.provider.revoke(token, hint).catch(() => undefined); // was reported where it failed
    await Promise.race([revoked, sleep(REVOCATION_LIMIT_MS, undefined, { ref: false })]);
  }

  async #refreshed(
    { provider, providerSubject: subject, scope }: SessionContent,
    deadline: Deadline,
  ): Promise<TokenAnswer> {
    const { refreshToken } = provider;
    if (refreshToken === undefined) throw invalidGrant('no refresh token');
    try {
      return await this.provider.refreshOf({ subject, refreshToken, scope, deadline });
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      if (error.error === 'invalid_grant')
        throw new SessionEnd('provider-ended-it', invalidGrant(error));
      if (error.cause === OTHER_SUBJECT)
        throw new SessionEnd('subject-changed', invalidGrant(error));
      throw error;
    }
  }

  /**
   * Claims of now, with what is remembered of those that are not said now: held against what is demanded. Where they cannot be made,
   * those of the last mint, without the roles that are known to be gone: the provider's answer must not be lost.
   */
  async #claims(
    sessionId: string,
    content: SessionContent,
    answer: TokenAnswer,
    deadline: Deadline,
  ): Promise<Pick<RenewedTokens, 'claims' | 'profile' | 'said'>> {
    const { providerSubject, claims, profile } = content;
    const earlier = { said: remembered(content), deadline };
    const collected = await this.collector.collect(answer, providerSubject, earlier);
    const { said } = collected;
    if (collected.incomplete) this.#reportOldClaims(sessionId, 'a source could not be had');
    try {
      this.collector.checkDemands(collected);
      const renewing = this.collector.toUserClaims(collected, providerSubject, claims);
      const names = this.collector.profileOf(collected);
      return {
        claims: await within(deadline.leftMs() / 2, renewing),
        profile: { ...profile, ...names },
        said,
      };
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (!collected.incomplete) this.#reportOldClaims(sessionId, describeError(error));
      return { claims: without(claims, collected.withdrawn), profile, said };
    }
  }

  #reportOldClaims(sessionId: string, reason: string): void {
    const session = hashedId(sessionId);
    this.events.emit('claims-not-renewed', { provider: this.provider.name, session, reason });
  }
}

/** Where there was no room for what the provider said, its ID token and the claims of the last mint stand in for it. */
function remembered({ said, provider: { idToken }, claims, profile }: SessionContent): SaidClaims {
  if (said !== undefined) return said;
  const { sub: _ours, ...minted } = claims;
  return {
    idToken: idToken === undefined ? undefined : rememberedClaims(idToken),
    userinfo: { ...profile, ...minted },
  };
}

/** Of an ID token that was validated, and whose odd claims were told, at the login. */
function rememberedClaims(idToken: string): Record<string, unknown> {
  const claims: Record<string, unknown> = decodeJwt(idToken);
  cleanClaims(claims, () => undefined);
  return claims;
}

function without(claims: UserClaims, withdrawn: readonly string[]): UserClaims {
  const { roles } = claims;
  if (!Array.isArray(roles) || withdrawn.length === 0) return claims;
  return { ...claims, roles: roles.filter((role) => !withdrawn.includes(role)) };
}

function isRefusal(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.getStatus() === 403;
}
