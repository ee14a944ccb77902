import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import { CookieCallers, type LookedUp } from '../tokens/cookie-callers.js';
import type { Credentials } from '../tokens/identity.js';
import {
  asksForWebSocket,
  checkHandshake,
  checkOrigin,
  isSafeMethod,
} from '../tokens/request-origin.js';
import { cookieNamed } from '../tokens/session-cookie.js';
import type { BrowserSessions } from './browser-sessions.js';

/** Callers by session cookie, where the option `session` is set. */
export class SessionCookies extends CookieCallers {
  constructor(
    private readonly options: ResolvedBrowserSessions,
    private readonly sessions: BrowserSessions,
  ) {
    super();
  }

  verify(
    { headers, method, handshake }: Credentials,
    isUse: boolean,
  ): LookedUp | undefined | Promise<LookedUp> {
    const { cookieName, origins } = this.options;
    const opens = handshake ?? asksForWebSocket(headers);
    if (method === undefined && !opens) return undefined;
    const reference = cookieNamed(headers, cookieName);
    if (reference === undefined) return undefined;
    if (opens) checkHandshake(headers, origins);
    else if (!isSafeMethod(method)) checkOrigin(headers, origins);
    return this.sessions.verify(reference, isUse);
  }
}
