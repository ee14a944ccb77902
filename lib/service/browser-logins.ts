import { Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { CallbackRequest } from '../login/callback.js';
import type { IssuedTokens } from '../login/issued-tokens.js';
import type { LoginCookie, RequestCookies } from '../login/login-cookies.js';
import type { LogoutRequest } from '../logout/logout.js';
import { PublicUrls } from '../options/public-urls.js';
import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import type { RequestHeaders } from '../tokens/bearer-token.js';
import type { BrowserSessionState } from '../tokens/browser-session-state.js';
import { checkOrigin, isOwnNavigation } from '../tokens/request-origin.js';
import { cookieNamed, cookiesNamed } from '../tokens/session-cookie.js';
import type { BrowserParts } from './browser-parts.js';
import { Mode } from './mode.js';

/** Where to send a browser, and which cookies to set with it. */
export interface BrowserRedirect {
  readonly location: string;
  readonly cookies: readonly LoginCookie[];
}

/** What the routes of sessions by cookie do, without HTTP. */
@Injectable()
export class BrowserLogins {
  constructor(
    private readonly mode: Mode,
    private readonly urls: PublicUrls,
  ) {}

  /** `undefined` without the option `session`. */
  get options(): ResolvedBrowserSessions | undefined {
    return this.mode.browser?.options;
  }

  /** Ends a login at our callback: with a session and a place to go to, or with tokens. @throws {@link OAuthError} as `OidcService.callback`. */
  async callback(
    request: CallbackRequest,
    headers: RequestHeaders,
    cookies: RequestCookies,
  ): Promise<IssuedTokens | BrowserRedirect> {
    const { browser } = this.mode;
    if (browser === undefined) return this.mode.logins.callback.finish(request, cookies);
    const { cookieName, secure } = browser.options;
    const held = cookiesNamed(headers, cookieName);
    const end = await browser.callback.finishInBrowser(browser.end, request, cookies, held);
    if ('tokens' in end) return end;
    const { reference, session } = end.begun;
    const maxAgeSec = Math.floor((session.endsAt.getTime() - session.createdAt.getTime()) / 1000);
    const cookie = { name: cookieName, value: reference, maxAgeSec, secure };
    const { returnTo } = end;
    const location = returnTo.startsWith('/') ? this.urls.absolute(returnTo) : returnTo;
    return { location: location ?? returnTo, cookies: [...end.cookies, cookie] };
  }

  /** Where a login that failed begins anew, so that the browser ends with a session. */
  async retryUrl(state: string | undefined): Promise<string> {
    const login = await this.mode.logins.callback.loginOf(state);
    return this.urls.loginUrl(login?.returnTo ?? '/');
  }

  /** The same where our callback answers tokens; `undefined` when nobody can tell any more what login it was. */
  async retryUrlForTokens(state: string | undefined): Promise<string | undefined> {
    const login = await this.mode.logins.callback.loginOf(state);
    return login?.target === 'callback' ? this.urls.loginForTokens(login) : undefined;
  }

  /**
   * Who is logged in. No use of the session; a page of another origin learns nothing.
   *
   * @throws {@link OAuthError} 404 without the option `session`; 502, 503.
   */
  async session(headers: RequestHeaders): Promise<BrowserSessionState> {
    const { options, sessions } = this.#browser();
    const reference = cookieNamed(headers, options.cookieName);
    if (reference === undefined) return { authenticated: false };
    try {
      checkOrigin(headers, options.origins);
      const { claims } = await sessions.verify(reference, false);
      return { authenticated: true, claims, expires: claims.exp };
    } catch (error) {
      if (!(error instanceof OAuthError) || error.getStatus() >= 500) throw error;
      return { authenticated: false };
    }
  }

  /** Whether a link may log this browser out: not one on a page of somebody else. */
  asksFirst(headers: RequestHeaders): boolean {
    const { options } = this.mode.browser ?? {};
    if (options === undefined || isOwnNavigation(headers)) return false;
    return cookiesNamed(headers, options.cookieName).length > 0;
  }

  /**
   * Ends the session of the cookie, and removes that.
   *
   * @throws {@link OAuthError} 400 for a target that is not allowed; 403 for another site's page; 404 without the option `session`; 503.
   */
  async logout(request: LogoutRequest, headers: RequestHeaders): Promise<BrowserRedirect> {
    const browser = this.#browser();
    const { cookieName, secure, origins } = browser.options;
    const isHeld = cookiesNamed(headers, cookieName).length > 0;
    if (isHeld) checkOrigin(headers, origins);
    const location = await browser.logOut(request, cookieNamed(headers, cookieName));
    const removal = { name: cookieName, value: '', maxAgeSec: 0, secure };
    return { location, cookies: isHeld ? [removal] : [] };
  }

  #browser(): BrowserParts {
    const { browser } = this.mode;
    if (browser !== undefined) return browser;
    const cause = new Reason('sessions by cookie are off', { option: '"session"' });
    const text = 'There is nothing here without sessions by cookie';
    throw new OAuthError('invalid_request', text, { status: 404, cause });
  }
}
