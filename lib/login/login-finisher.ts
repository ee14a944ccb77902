import { Inject, Injectable } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { IdentityProvider } from '../providers/identity-provider.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import { FinishedLogins } from './finished-logins.js';
import type { PendingLogin } from './pending-login.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { BrokerLogin, type BrokerLoginRequest } from './broker-login.js';
import { LoginAdmission } from './login-admission.js';
import { type TokenResponse, toTokenResponse } from '../tokens/token-response.js';

const redeemed = (): OAuthError => invalidGrant(new Reason('the device code was redeemed already'));

/** What all logins have in common at their end. */
@Injectable()
export class LoginFinisher {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly finished: FinishedLogins,
    private readonly admission: LoginAdmission,
    private readonly brokerLogin: BrokerLogin,
    private readonly events: OidcEvents,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** Makes sure that nothing of ours is in the way of a login, before its grant is spent. @throws {@link OAuthError} 503 */
  async prepare(): Promise<void> {
    if (this.options.broker !== undefined) await this.brokerLogin.prepare();
  }

  /**
   * Redeems the code of a login, once. A login whose exchange got no answer may be tried again; any other end of it,
   * good or bad, uses it up.
   *
   * @param taken what to throw when the login was used already
   */
  async redeem(login: PendingLogin, code: string, taken: () => OAuthError): Promise<TokenResponse> {
    await this.prepare();
    if (!this.finished.take(login.id)) throw taken();
    let answer: TokenAnswer;
    try {
      answer = await this.provider.redeemCode({ ...login, code });
    } catch (error) {
      const unanswered = error instanceof OAuthError && error.getStatus() === 503;
      if (unanswered) this.finished.release(login.id);
      throw error;
    }
    return this.#conclude(answer, { grant: 'authorization_code', loginId: login.id, taken });
  }

  /** Uses a login up that the identity provider ended with an error. @returns `false` when it was used already. */
  abandon(login: PendingLogin): boolean {
    return this.finished.take(login.id);
  }

  /** The end of a device login. @throws {@link OAuthError} 403 `access_denied` when the host refuses. */
  async concludeDevice(answer: TokenAnswer, deviceCode: string): Promise<TokenResponse> {
    const loginId = `device ${deviceCode}`;
    return this.#conclude(answer, { grant: 'device_code', loginId, taken: redeemed });
  }

  async #conclude(answer: TokenAnswer, request: BrokerLoginRequest): Promise<TokenResponse> {
    if (this.options.broker !== undefined) return this.brokerLogin.finish(answer, request);
    await this.#admit(answer, request.grant);
    return toTokenResponse(answer, epochSeconds(this.clock));
  }

  /** Asks the host whether the login may go on, and tells everybody that it did; else the refresh token is given back. */
  async #admit(answer: TokenAnswer, grant: BrokerLoginRequest['grant']): Promise<void> {
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
  }
}
