import type { TokenAnswer } from '../providers/token-answer.js';
import type { BegunBrowserSession, BrowserSessions } from '../sessions/browser-sessions.js';
import { type AnsweredLogin, LoginEnd } from './login-end.js';
import type { SessionOpening } from './session-opening.js';

/** The end of a login whose browser gets a session and no token. */
export class BrowserLogin extends LoginEnd<BegunBrowserSession> {
  constructor(
    private readonly opening: SessionOpening,
    private readonly sessions: BrowserSessions,
  ) {
    super();
  }

  prepare(): Promise<void> {
    return this.opening.prepare();
  }

  async conclude(answer: TokenAnswer, login: AnsweredLogin): Promise<BegunBrowserSession> {
    const begun = await this.opening.open(answer, login, (one) => this.sessions.begin(one));
    this.opening.report(begun, login);
    return begun;
  }

  /** Ends what the browser had before, or the new session where that cannot be done: never do both live on. @throws {@link OAuthError} 503 */
  async replace(references: readonly string[], begun: BegunBrowserSession): Promise<void> {
    try {
      for (const reference of references) await this.sessions.replace(reference, begun.session);
    } catch (error) {
      await this.opening.undo(begun);
      throw error;
    }
  }
}
