import { invalidGrant } from '../errors/oauth.error.js';
import { type ClaimsOrId, ownName } from '../sessions/own-claims.js';
import type { SessionInfo } from '../sessions/user-sessions.js';
import type { Mode } from './mode.js';

/** What a host can do about sessions and keys of broker mode; all of it is in {@link OidcService}. */
export abstract class SessionService {
  readonly #mode: Mode;

  /** @internal */
  constructor(mode: Mode) {
    this.#mode = mode;
  }

  /**
   * Broker mode: a live access token of the identity provider for the user of a session, for calls to other APIs. Refreshed
   * when it is about to end, by one instance at a time.
   *
   * @param session the caller's verified claims: the session of their `sid`, when the token is one of ours. Claims of a trusted
   * issuer have none here. A bare session id is for administration: nobody checks whose it is.
   * @throws {@link OAuthError} 400 `invalid_grant` when there is no such session, it is over or cannot be refreshed; 404 in
   * passthrough mode; 503.
   */
  async getIdpToken(session: ClaimsOrId): Promise<string> {
    const id = this.#ownName(session, 'sid');
    if (id === undefined) throw invalidGrant('no session of ours');
    return this.#mode.brokerOnly.sessionRefresh.providerAccessToken(id);
  }

  /**
   * Broker mode: where a user is logged in, newest first: with what, since when, used when, and which one is the caller's own.
   *
   * @param user the caller's verified claims: the user of their `sub`, when the token is one of ours; users of a trusted issuer
   * have no sessions here. A bare `sub` of our tokens is for administration: it must not come from the token of anybody else.
   * @throws {@link OAuthError} 404, 503
   */
  async listSessions(user: ClaimsOrId): Promise<SessionInfo[]> {
    const sub = this.#ownName(user, 'sub');
    if (sub === undefined) return [];
    const own = typeof user === 'string' ? undefined : this.#ownName(user, 'sid');
    return this.#mode.brokerOnly.userSessions.list(sub, own);
  }

  /**
   * Broker mode: ends a session, here at once and on every other instance within `broker.revocationPollSec`.
   *
   * @param session as for {@link getIdpToken}.
   * @param listed which of the caller's sessions to end instead of this one: an `id` of {@link listSessions}. Whatever a request says it is, it
   * ends no session of anybody else. Of a bare string before it, that is the `sub`.
   * @returns whether there was one to end.
   * @throws {@link OAuthError} 404, 503
   */
  async revokeSession(session: ClaimsOrId, listed?: string): Promise<boolean> {
    if (listed !== undefined) {
      const sub = this.#ownName(session, 'sub');
      return sub !== undefined && this.#mode.brokerOnly.userSessions.endOf(sub, listed);
    }
    const id = this.#ownName(session, 'sid');
    return id !== undefined && (await this.#mode.brokerOnly.userSessions.end(id));
  }

  /**
   * Broker mode: ends all sessions of a user, and refuses every token that was issued to that user until now.
   *
   * @param user as for {@link listSessions}.
   * @returns how many sessions ended.
   * @throws {@link OAuthError} 404, 503
   */
  async revokeSessions(user: ClaimsOrId): Promise<number> {
    const sub = this.#ownName(user, 'sub');
    return sub === undefined ? 0 : this.#mode.brokerOnly.userSessions.endAll(sub);
  }

  /**
   * Broker mode: retires a signing key in an emergency. Another one signs at once, and every token of the retired one is refused,
   * here at once and on every other instance within `broker.revocationPollSec`; peers learn of it from the JWKS.
   *
   * @param kid default: the key that signs now.
   * @returns whether there was such a key.
   * @throws {@link OAuthError} 404, 503
   */
  async retireSigningKey(kid?: string): Promise<boolean> {
    return this.#mode.brokerOnly.keys.retire(kid);
  }

  #ownName(whom: ClaimsOrId, claim: 'sid' | 'sub'): string | undefined {
    return ownName(whom, claim, this.#mode.brokerOnly.issuer);
  }
}
