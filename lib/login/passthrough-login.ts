import { type Clock, epochSeconds } from '../clock/clock.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import { type TokenResponse, toTokenResponse } from '../tokens/token-response.js';
import type { LoginAdmission } from './login-admission.js';
import { type AnsweredLogin, LoginEnd } from './login-end.js';

/** The end of logins in passthrough mode: the caller gets the provider's own tokens. */
export class PassthroughLogin extends LoginEnd {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly admission: LoginAdmission,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Nothing of ours is needed. */
  async prepare(): Promise<void> {}

  /** Asks the host whether the login may go on; else the refresh token is given back. */
  async conclude(answer: TokenAnswer, { grant }: AnsweredLogin): Promise<TokenResponse> {
    const { idTokenClaims: claims } = answer;
    try {
      await this.admission.check({ grant, ...(claims === undefined ? {} : { claims }) });
    } catch (error) {
      if (answer.refreshToken !== undefined) {
        await this.provider.revoke(answer.refreshToken, 'refresh_token').catch(() => undefined);
      }
      throw error;
    }
    const subject = claims?.['sub'];
    this.events.emit('login', {
      provider: this.provider.name,
      grant,
      ...(typeof subject === 'string' ? { subject: hashedId(subject) } : {}),
    });
    return toTokenResponse(answer, epochSeconds(this.clock));
  }
}
