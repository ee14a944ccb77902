import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import type { FinishedLogins } from './finished-logins.js';
import type { LoginClient } from './login-client.js';
import type { PendingLogin } from './pending-login.js';
import type { LoginEnd } from './login-end.js';
import { count, counted, note } from '../telemetry/telemetry.js';
import type { TokenResponse } from '../tokens/token-response.js';

const deviceTaken = (): OAuthError =>
  invalidGrant(new Reason('the device code was redeemed already'));

/** The answer to a login, as it came back. */
export interface RedeemedLogin {
  /** Of the login. */
  readonly provider: IdentityProvider;
  readonly code: string;
  readonly client: LoginClient;
  /** What to throw when the login was used already. */
  readonly taken: () => OAuthError;
}

/** What all logins have in common at their end. */
export class LoginFinisher<Result = TokenResponse> {
  constructor(
    private readonly finished: FinishedLogins,
    private readonly end: LoginEnd<Result>,
  ) {}

  /** Makes sure that nothing of ours is in the way of a login, before its grant is spent. @throws {@link OAuthError} 503 */
  prepare(): Promise<void> {
    return this.end.prepare();
  }

  /**
   * Redeems the code of a login, once. A login whose exchange got no answer may be tried again; any other end of it,
   * good or bad, uses it up.
   */
  redeem(login: PendingLogin, redeemed: RedeemedLogin): Promise<Result> {
    const attributes = attributesOf(redeemed.provider);
    note(attributes);
    return counted('oidc.logins', attributes, () => this.#redeem(login, redeemed));
  }

  async #redeem(login: PendingLogin, redeemed: RedeemedLogin): Promise<Result> {
    const { provider, code, client, taken } = redeemed;
    await this.prepare();
    if (!this.finished.take(login.id)) throw taken();
    let answer: TokenAnswer;
    try {
      answer = await provider.redeemCode({ ...login, code });
    } catch (error) {
      const unanswered = error instanceof OAuthError && error.getStatus() === 503;
      if (unanswered) this.finished.release(login.id);
      throw error;
    }
    const { id: loginId } = login;
    const grant = 'authorization_code';
    return this.end.conclude(answer, { provider, grant, asked: login, client, loginId, taken });
  }

  /** Uses a login up that the identity provider ended with an error. @returns `false` when it was used already. */
  abandon(login: PendingLogin, provider: IdentityProvider, { error }: OAuthError): boolean {
    const abandoned = this.finished.take(login.id);
    const attributes = attributesOf(provider);
    if (abandoned) count('oidc.logins', { ...attributes, 'oidc.outcome': error });
    return abandoned;
  }

  /** The end of a device login. @throws {@link OAuthError} 403 `access_denied` when the host refuses. */
  async concludeDevice(
    answer: TokenAnswer,
    provider: IdentityProvider,
    { deviceCode, client }: { readonly deviceCode: string; readonly client: LoginClient },
  ): Promise<Result> {
    const loginId = `device ${deviceCode}`;
    const taken = deviceTaken;
    const grant = 'device_code';
    return this.end.conclude(answer, { provider, grant, asked: {}, client, loginId, taken });
  }
}

function attributesOf({ name }: IdentityProvider) {
  return { 'oidc.grant': 'authorization_code', 'oidc.provider': name };
}
