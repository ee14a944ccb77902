import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { checkAuthentication } from '../providers/check-authentication.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import type { ProviderTokens } from '../sessions/session-content.js';
import type { Sessions } from '../sessions/sessions.js';
import type { FinishedSession, OpenSession } from '../sessions/open-session.js';
import type { TokenMinter } from '../sessions/token-minter.js';
import type { UpstreamTokens } from '../sessions/upstream-tokens.js';
import type { ClaimsCollectors } from '../users/claims-collectors.js';
import { addressOf, deviceOf } from './login-client.js';
import type { LoginAdmission } from './login-admission.js';
import type { AnsweredLogin } from './login-end.js';

/** The provider's tokens as a session keeps them. */
export function providerTokensOf(
  answer: TokenAnswer,
  { issuer, clientId }: Pick<ProviderTokens, 'issuer' | 'clientId'>,
): ProviderTokens {
  return {
    issuer,
    clientId,
    accessToken: answer.accessToken,
    accessExpiresAt: answer.expiresAt,
    refreshToken: answer.refreshToken,
    refreshExpiresAt: answer.refreshExpiryStated ? answer.refreshExpiresAt : undefined,
    idToken: answer.idToken,
  };
}

/** From the provider's answer to a session, whatever its holder gets of it. */
export class SessionOpening {
  constructor(
    private readonly collectors: ClaimsCollectors,
    private readonly admission: LoginAdmission,
    private readonly sessions: Sessions,
    private readonly minter: TokenMinter,
    private readonly upstream: UpstreamTokens,
    private readonly events: OidcEvents,
    private readonly broker: ResolvedBrokerOptions,
  ) {}

  /** Makes sure that a login could end well, before its code or device grant is spent. @throws {@link OAuthError} 503 */
  async prepare(): Promise<void> {
    await this.minter.prepare();
    await this.sessions.prepare();
  }

  /**
   * Makes a session of a token answer. Whatever goes wrong, the provider's tokens are given back.
   *
   * @param write gives nothing where that login has a session already.
   * @throws {@link OAuthError} 403 when the user may not log in; 502 without an ID token or a claim that is needed; 503.
   */
  async open<Opened extends OpenSession>(
    answer: TokenAnswer,
    answered: AnsweredLogin,
    write: (login: FinishedSession) => Promise<Opened | undefined>,
  ): Promise<Opened> {
    const { provider, loginId, taken, asked } = answered;
    try {
      checkAuthentication(answer.idTokenClaims, asked, provider.options.clockToleranceSec);
      const login = await this.#sessionOf(answer, answered);
      const open = await write({ ...login, loginId });
      if (open === undefined) throw taken();
      return open;
    } catch (error) {
      const { clientId } = provider.options;
      await this.upstream.revoke(provider.name, providerTokensOf(answer, { clientId }));
      throw error;
    }
  }

  /** Ends a session that its login could not hand over: nobody holds it. */
  async undo(open: OpenSession): Promise<void> {
    const giveBack = () => this.upstream.revoke(open.session.provider, open.content.provider);
    await this.sessions.end(open.session, 'login-failed').catch(giveBack);
  }

  report({ session, content }: OpenSession, { provider, grant }: AnsweredLogin): void {
    this.events.emit('login', {
      provider: provider.name,
      grant,
      subject: hashedId(content.providerSubject),
      session: hashedId(session.id),
    });
  }

  async #sessionOf(
    answer: TokenAnswer,
    { provider, grant, client }: AnsweredLogin,
  ): Promise<Omit<FinishedSession, 'loginId'>> {
    const { iss, sub, sid, iat } = answer.idTokenClaims ?? {};
    if (typeof iss !== 'string' || typeof sub !== 'string') throw badUpstreamAnswer('no ID token');
    const user = { iss, sub };
    const collector = this.collectors.of(provider);
    const collected = await collector.collect(answer, user);
    collector.checkDemands(collected);
    await this.admission.check({
      provider: provider.name,
      grant,
      claims: { ...collected.unabridged, ...user },
    });
    return {
      provider: provider.name,
      issuer: iss,
      providerSession: typeof sid === 'string' && sid !== '' ? sid : undefined,
      content: {
        provider: providerTokensOf(answer, { clientId: provider.options.clientId, issuer: iss }),
        providerSubject: sub,
        loginIat: typeof iat === 'number' ? iat : undefined,
        device: deviceOf(client),
        ...(this.broker.sessionAddresses ? { address: addressOf(client) } : {}),
        claims: await collector.toUserClaims(collected, user),
        profile: collector.profileOf(collected),
        said: collected.said,
        scope: provider.limitedScope(answer.scope),
      },
    };
  }
}
