import type { ProviderTokens } from '../sessions/session-content.js';
import type { FinishedSession, OpenSession, Sessions } from '../sessions/sessions.js';
import type { TokenMinter } from '../sessions/token-minter.js';
import type { UpstreamTokens } from '../sessions/upstream-tokens.js';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import type { LoginNotice } from '../options/oidc-auth-options.js';
import type { BrokerTokens } from '../sessions/broker-tokens.js';
import type { LoginAdmission } from './login-admission.js';
import { type AnsweredLogin, LoginEnd } from './login-end.js';
import type { UserClaimsCollector } from '../users/user-claims-collector.js';
import type { TokenResponse } from '../tokens/token-response.js';

/** The provider's tokens as a session keeps them. */
export function providerTokensOf(answer: TokenAnswer): ProviderTokens {
  return {
    accessToken: answer.accessToken,
    accessExpiresAt: answer.expiresAt,
    refreshToken: answer.refreshToken,
    refreshExpiresAt: answer.refreshExpiryStated ? answer.refreshExpiresAt : undefined,
    idToken: answer.idToken,
  };
}

/** The end of logins in broker mode: a session is written, and its first token minted. */
export class BrokerLogin extends LoginEnd {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly collector: UserClaimsCollector,
    private readonly admission: LoginAdmission,
    private readonly sessions: Sessions,
    private readonly minter: TokenMinter,
    private readonly tokens: BrokerTokens,
    private readonly upstream: UpstreamTokens,
    private readonly events: OidcEvents,
  ) {
    super();
  }

  /** Makes sure that a login could end well, before its code or device grant is spent. @throws {@link OAuthError} 503 */
  async prepare(): Promise<void> {
    await this.minter.prepare();
    await this.sessions.prepare();
  }

  /**
   * Makes a session of a token answer. Whatever goes wrong, the provider's tokens are given back, and no session is left.
   *
   * @throws {@link OAuthError} 403 when the user may not log in; 502 without an ID token or a claim that is needed; 503.
   */
  async conclude(answer: TokenAnswer, login: AnsweredLogin): Promise<TokenResponse> {
    const open = await this.#open(answer, login);
    const response = await this.#respond(open);
    this.events.emit('login', {
      provider: this.provider.name,
      grant: login.grant,
      subject: hashedId(open.content.providerSubject),
      session: hashedId(open.session.id),
    });
    return response;
  }

  async #open(answer: TokenAnswer, { grant, loginId, taken }: AnsweredLogin): Promise<OpenSession> {
    try {
      const login = await this.#sessionOf(answer, grant);
      const open = await this.sessions.create({ ...login, loginId });
      if (open === undefined) throw taken();
      return open;
    } catch (error) {
      await this.upstream.revoke(providerTokensOf(answer));
      throw error;
    }
  }

  async #respond(open: OpenSession): Promise<TokenResponse> {
    try {
      return await this.tokens.respond(open);
    } catch (error) {
      const giveBack = () => this.upstream.revoke(open.content.provider);
      await this.sessions.end(open.session, 'login-failed').catch(giveBack); // nobody holds it
      throw error;
    }
  }

  async #sessionOf(
    answer: TokenAnswer,
    grant: LoginNotice['grant'],
  ): Promise<Omit<FinishedSession, 'loginId'>> {
    const { iss, sub, sid, iat } = answer.idTokenClaims ?? {};
    if (typeof iss !== 'string' || typeof sub !== 'string') throw badUpstreamAnswer('no ID token');
    const user = { iss, sub };
    const collected = await this.collector.collect(answer, user);
    this.collector.checkDemands(collected);
    await this.admission.check({ grant, claims: { ...collected.unabridged, ...user } });
    return {
      provider: this.provider.name,
      issuer: iss,
      providerSession: typeof sid === 'string' && sid !== '' ? sid : undefined,
      content: {
        provider: providerTokensOf(answer),
        providerSubject: sub,
        loginIat: typeof iat === 'number' ? iat : undefined,
        claims: await this.collector.toUserClaims(collected, user),
        profile: this.collector.profileOf(collected),
        said: collected.said,
        scope: answer.scope,
      },
    };
  }
}
