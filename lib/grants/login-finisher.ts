import { HttpException, Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { IdentityProvider } from '../idp/identity-provider.js';
import type { TokenAnswer } from '../idp/token-answer.js';
import { FinishedLogins } from '../login/finished-logins.js';
import type { PendingLogin } from '../login/pending-login.js';
import type { LoginNotice } from '../options/oidc-auth-options.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** What all logins have in common at their end. */
@Injectable()
export class LoginFinisher {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly finished: FinishedLogins,
    private readonly events: OidcEvents,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Redeems the code of a login, once. A login whose exchange got no answer may be tried again; any other end of it,
   * good or bad, uses it up.
   *
   * @param taken what to throw when the login was used already
   */
  async redeem(login: PendingLogin, code: string, taken: () => OAuthError): Promise<TokenAnswer> {
    if (!this.finished.take(login.id)) throw taken();
    let answer: TokenAnswer;
    try {
      answer = await this.provider.redeemCode({ ...login, code });
    } catch (error) {
      const unanswered = error instanceof OAuthError && error.getStatus() === 503;
      if (unanswered) this.finished.release(login.id);
      throw error;
    }
    await this.admit(answer, 'authorization_code');
    return answer;
  }

  /** Uses a login up that the identity provider ended with an error. @returns `false` when it was used already. */
  abandon(login: PendingLogin): boolean {
    return this.finished.take(login.id);
  }

  /**
   * Asks the host whether the login may go on, and tells everybody that it did.
   *
   * @throws {@link OAuthError} 403 `access_denied` when the host refuses; the refresh token is then given back.
   */
  async admit(answer: TokenAnswer, grant: LoginNotice['grant']): Promise<void> {
    const { idTokenClaims: claims } = answer;
    const provider = this.provider.name;
    try {
      await this.options.onLogin?.({
        provider,
        grant,
        ...(claims === undefined ? {} : { claims }),
      });
    } catch (error) {
      if (answer.refreshToken !== undefined) {
        await this.provider.revoke(answer.refreshToken, 'refresh_token').catch(() => undefined);
      }
      throw refusalOf(error);
    }
    const subject = claims?.['sub'];
    this.events.emit('login', {
      provider,
      grant,
      ...(typeof subject === 'string' ? { subject: hashedId(subject) } : {}),
    });
  }
}

/** A host refuses with an {@link OAuthError}, or with Nest's own Forbidden or Unauthorized; the rest is a fault. */
function refusalOf(error: unknown): unknown {
  if (error instanceof OAuthError || !(error instanceof HttpException)) return error;
  if (error.getStatus() >= 500) return error;
  return new OAuthError('access_denied', 'This login was refused', { status: 403, cause: error });
}
