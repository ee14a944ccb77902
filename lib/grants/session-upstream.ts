import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import type { ProviderTokens, SessionContent } from '../broker/session-content.js';
import { providerUserHash } from '../broker/sessions.js';
import { type RenewedTokens, SessionEnd, UpstreamTokens } from '../broker/upstream-tokens.js';
import type { Deadline } from '../clock/deadline.js';
import { within } from '../clock/within.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { IdentityProvider, OTHER_SUBJECT } from '../idp/identity-provider.js';
import type { TokenAnswer } from '../idp/token-answer.js';
import type { ProviderClaims } from '../options/broker-options.js';
import type { BrokerSession } from '../store/broker-store.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { UserClaimsCollector } from './user-claims-collector.js';

const REVOCATION_LIMIT_MS = 3000;

/** A refresh that the provider has answered. */
interface Renewal {
  readonly user: UserIdentity;
  readonly content: SessionContent;
  readonly answer: TokenAnswer;
  readonly provider: ProviderTokens;
  readonly deadline: Deadline;
}

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
    session: BrokerSession,
    content: SessionContent,
    deadline: Deadline,
  ): Promise<RenewedTokens> {
    const user = await this.#userOf(session, content);
    const answer = await this.#refreshed(user, content, deadline);
    this.events.emit('refresh', { provider: this.provider.name, session: hashedId(session.id) });
    const { provider: before } = content;
    const provider: ProviderTokens = {
      accessToken: answer.accessToken,
      accessExpiresAt: answer.expiresAt,
      refreshToken: answer.refreshToken,
      refreshExpiresAt: answer.refreshExpiryStated ? answer.refreshExpiresAt : undefined,
      idToken: answer.idToken ?? before.idToken,
    };
    const renewal = { user, content, answer, provider, deadline };
    return { provider, ...(await this.#claims(session.id, renewal)) };
  }

  async revoke({ refreshToken, accessToken }: ProviderTokens): Promise<void> {
    const token = refreshToken ?? accessToken;
    if (token === undefined) return;
    const hint = refreshToken === undefined ? 'access_token' : 'refresh_token';
    const revoked = this.provider.revoke(token, hint).catch(() => undefined); // was reported where it failed
    await Promise.race([revoked, sleep(REVOCATION_LIMIT_MS, undefined, { ref: false })]);
  }

  /** The user of the login, who must stay the same. A tenant that is listed no more has its sessions refused, until it is again. */
  async #userOf(
    { providerSubjectHash }: BrokerSession,
    { providerSubject: sub }: SessionContent,
  ): Promise<UserIdentity> {
    const issuers = await this.provider.issuers();
    const iss = issuers.find((one) => providerUserHash({ iss: one, sub }) === providerSubjectHash);
    if (iss !== undefined) return { iss, sub };
    throw invalidGrant('the issuer of the login is not that of the provider');
  }

  async #refreshed(
    user: UserIdentity,
    { provider, scope }: SessionContent,
    deadline: Deadline,
  ): Promise<TokenAnswer> {
    const { refreshToken } = provider;
    if (refreshToken === undefined) throw invalidGrant('no refresh token');
    try {
      return await this.provider.refreshOf({ user, refreshToken, scope, deadline });
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      if (error.error === 'invalid_grant')
        throw new SessionEnd('provider-ended-it', invalidGrant(error));
      if (error.cause === OTHER_SUBJECT)
        throw new SessionEnd('subject-changed', invalidGrant(error));
      throw error;
    }
  }

  /** Claims of now; those of the last mint where they cannot be had, because the provider's answer must not be lost. */
  async #claims(
    sessionId: string,
    { user, content, answer, provider, deadline }: Renewal,
  ): Promise<Pick<RenewedTokens, 'claims' | 'profile'>> {
    try {
      // Half of what is left: the tokens have to be kept in time, and claims can be had again.
      return await within(deadline.leftMs() / 2, this.#renewedClaims(user, content, answer));
    } catch (error) {
      if (isRefusal(error)) throw new SessionEnd('claims-no-longer-allowed', error, provider);
      if (error instanceof OAuthError && error.cause === OTHER_SUBJECT) {
        throw new SessionEnd('subject-changed', invalidGrant(error), provider);
      }
      this.events.emit('claims-not-renewed', {
        provider: this.provider.name,
        session: hashedId(sessionId),
        reason: describeError(error),
      });
      return { claims: content.claims, profile: content.profile };
    }
  }

  async #renewedClaims(
    user: UserIdentity,
    { provider, claims, profile }: SessionContent,
    answer: TokenAnswer,
  ): Promise<Pick<RenewedTokens, 'claims' | 'profile'>> {
    const { idToken: earlier } = provider;
    const repeated = answer.idToken !== undefined || earlier === undefined;
    const remembered = repeated ? undefined : claimsOf(earlier, user);
    const collected = await this.collector.collect(answer, user, remembered);
    const { accessToken, idToken, userinfo, incomplete } = collected.sources;
    if (incomplete) throw new Error('userinfo could not be had');
    if (accessToken === undefined && idToken === undefined && userinfo === undefined) {
      return { claims, profile }; // this provider says nothing at a refresh
    }
    this.collector.checkDemands(collected);
    return {
      claims: await this.collector.toUserClaims(collected, user, claims),
      profile: { ...profile, ...this.collector.profileOf(collected) },
    };
  }
}

/**
 * Claims of an ID token that was validated, and whose odd claims were told, when it came; the version before kept those of other
 * tenants too.
 */
function claimsOf(idToken: string, { iss, sub }: UserIdentity): ProviderClaims | undefined {
  const claims: Record<string, unknown> = decodeJwt(idToken);
  cleanClaims(claims, () => undefined);
  return claims['iss'] === iss && claims['sub'] === sub ? claims : undefined;
}

function isRefusal(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.getStatus() === 403;
}
