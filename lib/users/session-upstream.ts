import type { ProviderTokens, SessionContent, UserClaims } from '../sessions/session-content.js';
import { providerUserHash } from '../sessions/sessions.js';
import { type RenewedTokens, SessionEnd, UpstreamTokens } from '../sessions/upstream-tokens.js';
import type { Clock } from '../clock/clock.js';
import type { Deadline } from '../clock/deadline.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { type OidcEvents, type SessionEndReason, hashedId } from '../events/oidc-events.js';
import { type IdentityProvider } from '../providers/identity-provider.js';
import { OTHER_PARTIES, OTHER_SUBJECT } from '../providers/other-parties.js';
import { gave } from '../providers/provider-identity.js';
import type { Providers } from '../providers/providers.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { BrokerSession } from '../contract/broker-store.js';
import type { IdTokenClaims, UserIdentity } from '../tokens/id-token-claims.js';
import { scopeWithin } from '../tokens/scopes.js';
import type { ClaimsCollectors } from './claims-collectors.js';
import type { MintedSubjects } from './minted-subjects.js';
import { remembered } from './remembered-claims.js';

const REVOCATION_LIMIT_MS = 3000;

/** How a session ends whose refresh brought the ID token of somebody else, by the cause of the refusal. */
const ENDS: ReadonlyMap<unknown, SessionEndReason> = new Map([
  [OTHER_PARTIES.subject, 'subject-changed'],
  [OTHER_PARTIES.issuer, 'issuer-changed'],
  [OTHER_PARTIES.audience, 'audience-changed'],
]);

/** A refresh that the provider has answered. */
interface Renewal {
  readonly provider: IdentityProvider;
  readonly user: UserIdentity;
  readonly content: SessionContent;
  readonly answer: TokenAnswer;
  readonly deadline: Deadline;
}

/** The identity provider as sessions see it. */
export class SessionUpstream extends UpstreamTokens {
  constructor(
    private readonly providers: Providers,
    private readonly collectors: ClaimsCollectors,
    private readonly subjects: MintedSubjects,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
  ) {
    super();
  }

  async prepare(session: BrokerSession): Promise<void> {
    await (await this.#providerOf(session)).prepare();
  }

  async ready(): Promise<void> {
    await this.providers.all();
  }

  async check(session: BrokerSession, content: SessionContent): Promise<void> {
    const provider = await this.#providerOf(session);
    if (!gave(provider, content.provider)) {
      const cause = 'another provider under the name of that of the login';
      throw new SessionEnd('issuer-changed', invalidGrant(cause));
    }
    if (!this.subjects.isTaken(provider, content.claims.sub)) return;
    const cause = new Reason('sub names a user of another provider', { option: '"providers"' });
    throw invalidGrant(cause);
  }

  /** Tokens of a version before name no provider: there was one only. */
  accepts({
    idp = DEFAULT_PROVIDER,
    idp_iss: issuer,
    client_id: clientId,
    sub,
  }: IdTokenClaims): boolean {
    const provider = this.providers.peek(String(idp));
    if (provider === undefined) return false;
    if (!this.providers.several) return true;
    const said = { issuer: textOrNone(issuer), clientId: textOrNone(clientId) };
    return gave(provider, said) && !this.subjects.isTaken(provider, sub);
  }

  clientIdAt(provider: string): string {
    return this.providers.known().find(({ name }) => name === provider)?.options.clientId ?? '';
  }

  async renew(
    session: BrokerSession,
    content: SessionContent,
    deadline: Deadline,
  ): Promise<RenewedTokens> {
    await this.check(session, content);
    const asked = await this.#providerOf(session);
    const user = await this.#userOf(asked, session, content);
    const answer = await this.#refreshed(asked, user, content, deadline);
    this.events.emit('refresh', { provider: asked.name, session: hashedId(session.id) });
    const { provider: before } = content;
    const provider: ProviderTokens = {
      issuer: user.iss,
      clientId: asked.options.clientId,
      accessToken: answer.accessToken,
      accessExpiresAt: answer.expiresAt,
      refreshToken: answer.refreshToken,
      refreshExpiresAt: answer.refreshExpiryStated ? answer.refreshExpiresAt : undefined,
      idToken: answer.idToken ?? before.idToken,
    };
    const scope = asked.limitedScope(scopeWithin(content.scope, answer.scope));
    const renewal = { provider: asked, user, content, answer, deadline };
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

  async revoke(
    name: string,
    { issuer, clientId, refreshToken, accessToken }: ProviderTokens,
  ): Promise<void> {
    const token = refreshToken ?? accessToken;
    if (token === undefined) return;
    const hint = refreshToken === undefined ? 'access_token' : 'refresh_token';
    const provider = await this.providers.find(name).catch(() => undefined);
    if (provider === undefined || !gave(provider, { issuer, clientId })) return;
    const revoked = provider.revoke(token, hint).catch(() => undefined); // was reported where it failed
    await this.clock.within(REVOCATION_LIMIT_MS, revoked).catch(() => undefined);
  }

  /** @throws {@link OAuthError} 400 `invalid_grant` while it is gone: it may come back. */
  async #providerOf({ provider }: BrokerSession): Promise<IdentityProvider> {
    const found = await this.providers.find(provider);
    if (found !== undefined) return found;
    throw invalidGrant(
      new Reason('the provider of the session is gone', { option: '"providers"' }),
    );
  }

  /** The user of the login, who must stay the same. A tenant that is listed no more has its sessions refused, until it is again. */
  async #userOf(
    provider: IdentityProvider,
    { providerSubjectHash }: BrokerSession,
    { providerSubject: sub }: SessionContent,
  ): Promise<UserIdentity> {
    const issuers = await provider.issuers();
    const iss = issuers.find((one) => providerUserHash({ iss: one, sub }) === providerSubjectHash);
    if (iss !== undefined) return { iss, sub };
    throw invalidGrant('the issuer of the login is not that of the provider');
  }

  async #refreshed(
    asked: IdentityProvider,
    user: UserIdentity,
    { provider, scope }: SessionContent,
    deadline: Deadline,
  ): Promise<TokenAnswer> {
    const { refreshToken } = provider;
    if (refreshToken === undefined) throw invalidGrant('no refresh token');
    try {
      return await asked.refreshOf({ user, refreshToken, scope, deadline });
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
    { provider, user, content, answer, deadline }: Renewal,
  ): Promise<Pick<RenewedTokens, 'claims' | 'profile' | 'said'>> {
    const { claims, profile } = content;
    const earlier = { said: remembered(content, user), deadline };
    const collector = this.collectors.of(provider);
    const collected = await collector.collect(answer, user, earlier);
    const { said } = collected;
    if (collected.incomplete)
      this.#reportOldClaims(provider, sessionId, 'a source could not be had');
    try {
      collector.checkDemands(collected);
      const renewing = collector.toUserClaims(collected, user, claims);
      const names = collector.profileOf(collected);
      return {
        claims: await deadline.withinHalf(renewing),
        profile: { ...profile, ...names },
        said,
      };
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (!collected.incomplete) this.#reportOldClaims(provider, sessionId, describeError(error));
      return { claims: without(claims, collected.withdrawn), profile, said };
    }
  }

  #reportOldClaims({ name }: IdentityProvider, sessionId: string, reason: string): void {
    const session = hashedId(sessionId);
    this.events.emit('claims-not-renewed', { provider: name, session, reason });
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function without(claims: UserClaims, withdrawn: readonly string[]): UserClaims {
  const { roles } = claims;
  if (!Array.isArray(roles) || withdrawn.length === 0) return claims;
  return { ...claims, roles: roles.filter((role) => !withdrawn.includes(role)) };
}

function isRefusal(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.getStatus() === 403;
}
