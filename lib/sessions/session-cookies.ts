import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import { CookieCallers } from '../tokens/cookie-callers.js';
import type { Credentials } from '../tokens/identity.js';
import { checkOrigin, isSafeMethod } from '../tokens/request-origin.js';
import { cookieNamed } from '../tokens/session-cookie.js';
import type { Verification } from '../tokens/verification-cache.js';
import type { BrowserSessions } from './browser-sessions.js';

/** Callers by session cookie, where the option `session` is set. */
export class SessionCookies extends CookieCallers {
  constructor(
    private readonly options: ResolvedBrowserSessions,
    private readonly sessions: BrowserSessions,
  ) {
    super();
  }

  async verify({ headers, method }: Credentials): Promise<Verification | undefined> {
    if (method === undefined) return undefined;
    const reference = cookieNamed(headers, this.options.cookieName);
    if (reference === undefined) return undefined;
    if (!isSafeMethod(method)) checkOrigin(headers, this.options.origins);
    return this.sessions.verify(reference, true);
  }
}
