import { type Clock, epochSeconds } from '../clock/clock.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import { checkAuthentication } from '../providers/check-authentication.js';
import type { Providers } from '../providers/providers.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { LoginAdmission } from './login-admission.js';
import { type AnsweredLogin, LoginEnd } from './login-end.js';

/** The end of logins in passthrough mode: the caller gets the provider's own tokens. */
export class PassthroughLogin extends LoginEnd {
  constructor(
    private readonly providers: Providers,
    private readonly admission: LoginAdmission,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Nothing of ours is needed. */
  async prepare(): Promise<void> {}

  /** Asks the host whether the login may go on; else the refresh token is given back. */
  async conclude(
    answer: TokenAnswer,
    { provider, grant, asked }: AnsweredLogin,
  ): Promise<TokenResponse> {
    const { idTokenClaims: claims } = answer;
    try {
      checkAuthentication(claims, asked, provider.options.clockToleranceSec);
      await this.admission.check({
        provider: provider.name,
        grant,
        ...(claims === undefined ? {} : { claims }),
      });
    } catch (error) {
      if (answer.refreshToken !== undefined) {
        await provider.revoke(answer.refreshToken, 'refresh_token').catch(() => undefined);
      }
      throw error;
    }
    const subject = claims?.['sub'];
    this.events.emit('login', {
      provider: provider.name,
      grant,
      ...(typeof subject === 'string' ? { subject: hashedId(subject) } : {}),
    });
    return this.providers.toTokenResponse(provider, answer, epochSeconds(this.clock));
  }
}
