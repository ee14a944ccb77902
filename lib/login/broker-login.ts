import type { TokenAnswer } from '../providers/token-answer.js';
import type { BrokerTokens } from '../sessions/broker-tokens.js';
import type { Sessions } from '../sessions/sessions.js';
import type { OpenSession } from '../sessions/open-session.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { type AnsweredLogin, LoginEnd } from './login-end.js';
import type { SessionOpening } from './session-opening.js';

/** The end of logins in broker mode: a session is written, and its first token minted. */
export class BrokerLogin extends LoginEnd {
  constructor(
    private readonly opening: SessionOpening,
    private readonly sessions: Sessions,
    private readonly tokens: BrokerTokens,
    override readonly bindsTokens: boolean,
  ) {
    super();
  }

  prepare(): Promise<void> {
    return this.opening.prepare();
  }

  /**
   * Makes a session of a token answer. Whatever goes wrong, the provider's tokens are given back, and no session is left.
   *
   * @throws {@link OAuthError} 403 when the user may not log in; 502 without an ID token or a claim that is needed; 503.
   */
  async conclude(answer: TokenAnswer, login: AnsweredLogin): Promise<TokenResponse> {
    const { key } = login.client;
    const open = await this.opening.open(answer, login, (one) => this.sessions.create(one, key));
    const response = await this.#respond(open, key);
    this.opening.report(open, login);
    return response;
  }

  async #respond(open: OpenSession, proved: string | undefined): Promise<TokenResponse> {
    try {
      return await this.tokens.respond(open, { proved });
    } catch (error) {
      await this.opening.undo(open);
      throw error;
    }
  }
}
