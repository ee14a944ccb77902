import type { LoginNotice } from '../options/login-notice.js';
import type { OAuthError } from '../errors/oauth.error.js';
import type { AskedAuthentication } from '../providers/check-authentication.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { TokenAnswer } from '../providers/token-answer.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { LoginClient } from './login-client.js';

/** A login that the identity provider has answered. */
export interface AnsweredLogin {
  readonly provider: IdentityProvider;
  readonly grant: LoginNotice['grant'];
  /** What it asked for, which the answer is held against. */
  readonly asked: AskedAuthentication;
  /** Who gets what it ends with. */
  readonly client: LoginClient;
  /** What makes the login single-use, on every instance. */
  readonly loginId: string;
  /** What to throw when the login was used already. */
  readonly taken: () => OAuthError;
}

/** How every login ends: where the modes differ, and in broker mode where a browser gets a session instead of tokens. */
export abstract class LoginEnd<Result = TokenResponse> {
  /** Whether tokens are bound to the key that a login names, so that it must be one (RFC 9449 §10). */
  readonly bindsTokens: boolean = false;

  /** Makes sure that nothing of ours is in the way of a login, before its grant is spent. @throws {@link OAuthError} 503 */
  abstract prepare(): Promise<void>;

  /**
   * Makes of the provider's answer what the caller gets. Whatever goes wrong, the provider's tokens are given back.
   *
   * @throws {@link OAuthError} 403 when the user may not log in; 400 `unmet_authentication_requirements`; 502, 503.
   */
  abstract conclude(answer: TokenAnswer, login: AnsweredLogin): Promise<Result>;
}
