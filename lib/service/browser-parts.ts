import type { BrowserEnd, Callback } from '../login/callback.js';
import { BrowserLogin } from '../login/browser-login.js';
import { LoginFinisher } from '../login/login-finisher.js';
import type { SessionOpening } from '../login/session-opening.js';
import { endedSession } from '../logout/broker-callers-session.js';
import type { Logout, LogoutRequest } from '../logout/logout.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import { BrowserClaims } from '../sessions/browser-claims.js';
import { BrowserSessions } from '../sessions/browser-sessions.js';
import { SessionCookies } from '../sessions/session-cookies.js';
import { SessionReferences } from '../sessions/session-references.js';
import type { BrokerParts } from './broker-parts.js';
import type { Logins } from './logins.js';
import type { Surroundings } from './surroundings.js';

/** What sessions by cookie are made of. */
interface BrowserSurroundings {
  readonly surroundings: Surroundings;
  readonly broker: ResolvedBrokerOptions;
  readonly parts: BrokerParts;
  readonly opening: SessionOpening;
  readonly mode: { readonly logins: Logins; readonly logout: Logout };
}

/** Sessions by cookie, and what begins and ends them: one of each, put together. */
export class BrowserParts {
  readonly sessions: BrowserSessions;
  readonly cookies: SessionCookies;
  readonly callback: Callback;
  readonly end: BrowserEnd;
  readonly #parts: BrokerParts;
  readonly #logout: Logout;

  constructor(
    readonly options: ResolvedBrowserSessions,
    { surroundings, broker, parts, opening, mode }: BrowserSurroundings,
  ) {
    const { clock, keyRing, options: whole } = surroundings;
    const { store, upstream, ofSessions } = parts;
    const { own, revocations, sessions, refresh } = ofSessions;
    const claims = new BrowserClaims(whole, broker, clock, own, revocations, upstream);
    const references = new SessionReferences(keyRing);
    const given = [clock, store, sessions, refresh, references, claims] as const;
    this.sessions = new BrowserSessions(options, broker, ...given);
    this.cookies = new SessionCookies(options, this.sessions);
    const login = new BrowserLogin(opening, this.sessions);
    this.callback = mode.logins.callback;
    this.end = { login, finisher: new LoginFinisher(mode.logins.finished, login) };
    this.#parts = parts;
    this.#logout = mode.logout;
  }

  /** Ends the session of a cookie, if it is one. @returns where to send the browser. @throws {@link OAuthError} 400, 503 */
  logOut(request: LogoutRequest, reference: string | undefined): Promise<string> {
    return this.#logout.start(request, async () => {
      const session = reference === undefined ? undefined : await this.sessions.find(reference);
      return session && endedSession(session, this.#parts.ofSessions.sessions);
    });
  }
}
