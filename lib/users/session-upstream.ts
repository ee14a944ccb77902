import { decodeJwt } from 'jose';
import type {
  ProviderTokens,
  SaidClaims,
  SessionContent,
  UserClaims,
} from '../sessions/session-content.js';
import { providerUserHash } from '../sessions/sessions.js';
import { type RenewedTokens, SessionEnd, UpstreamTokens } from '../sessions/upstream-tokens.js';
import type { Clock } from '../clock/clock.js';
import type { Deadline } from '../clock/deadline.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { type OidcEvents, type SessionEndReason, hashedId } from '../events/oidc-events.js';
import {
  type IdentityProvider,
  OTHER_PARTIES,
  OTHER_SUBJECT,
} from '../providers/identity-provider.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import type { ProviderClaims } from '../options/broker-options.js';
import type { BrokerSession } from '../contract/broker-store.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { scopeWithin } from '../tokens/scopes.js';
import type { UserClaimsCollector } from './user-claims-collector.js';

const REVOCATION_LIMIT_MS = 3000;

/** How a session ends whose refresh brought the ID token of somebody else, by the cause of the refusal. */
const ENDS: ReadonlyMap<unknown, SessionEndReason> = new Map([
  [OTHER_PARTIES.subject, 'subject-changed'],
  [OTHER_PARTIES.issuer, 'issuer-changed'],
  [OTHER_PARTIES.audience, 'audience-changed'],
]);

/** A refresh that the provider has answered. */
interface Renewal {
  readonly user: UserIdentity;
  readonly content: SessionContent;
  readonly answer: TokenAnswer;
  readonly deadline: Deadline;
}

/** The identity provider as sessions see it. */
export class SessionUpstream extends UpstreamTokens {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly collector: UserClaimsCollector,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
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
    const scope = scopeWithin(content.scope, answer.scope);
    const renewal = { user, content, answer, deadline };
    try {
      return { provider, scope, ...(await this.#claims(session.id, renewal)) };
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
    await this.clock.within(REVOCATION_LIMIT_MS, revoked).catch(() => undefined);
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
      const reason = ENDS.get(error.cause);
      throw reason === undefined ? error : new SessionEnd(reason, invalidGrant(error));
    }
  }

  /**
   * Claims of now, with what is remembered of those that are not said now: held against what is demanded. Where they cannot be made,
   * those of the last mint, without the roles that are known to be gone: the provider's answer must not be lost.
   */
  async #claims(
    sessionId: string,
    { user, content, answer, deadline }: Renewal,
  ): Promise<Pick<RenewedTokens, 'claims' | 'profile' | 'said'>> {
    const { claims, profile } = content;
    const earlier = { said: remembered(content, user), deadline };
    const collected = await this.collector.collect(answer, user, earlier);
    const { said } = collected;
    if (collected.incomplete) this.#reportOldClaims(sessionId, 'a source could not be had');
    try {
      this.collector.checkDemands(collected);
      const renewing = this.collector.toUserClaims(collected, user, claims);
      const names = this.collector.profileOf(collected);
      return {
        claims: await deadline.withinHalf(renewing),
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
function remembered(
  { said, provider: { idToken }, claims, profile }: SessionContent,
  user: UserIdentity,
): SaidClaims {
  if (said !== undefined) return said;
  const { sub: _ours, ...minted } = claims;
  return {
    idToken: idToken === undefined ? undefined : claimsOf(idToken, user),
    userinfo: { ...profile, ...minted },
  };
}

function without(claims: UserClaims, withdrawn: readonly string[]): UserClaims {
  const { roles } = claims;
  if (!Array.isArray(roles) || withdrawn.length === 0) return claims;
  return { ...claims, roles: roles.filter((role) => !withdrawn.includes(role)) };
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
