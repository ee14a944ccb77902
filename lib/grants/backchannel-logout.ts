import { Inject, Injectable } from '@nestjs/common';
import { storedHash } from '../broker/refresh-tokens.js';
import { Sessions } from '../broker/sessions.js';
import { Clock } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcEvents } from '../events/oidc-events.js';
import { IdentityProvider } from '../idp/identity-provider.js';
import type { LogoutTokenClaims } from '../idp/check-logout-token.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { brokerOptions } from './broker-only.js';
import { UserSessions } from './user-sessions.js';

const CAPACITY = 10_000;

function refused(cause: unknown): OAuthError {
  return new OAuthError('invalid_request', 'logout_token is not valid', { cause });
}

/** The identity provider tells that it has logged somebody out (OpenID Connect Back-Channel Logout 1.0). */
@Injectable()
export class BackchannelLogout {
  /** When each logout token that was seen expires, by its `jti`; the oldest goes when it is full. */
  readonly #seen = new Map<string, number>();

  constructor(
    private readonly provider: IdentityProvider,
    private readonly sessions: Sessions,
    private readonly users: UserSessions,
    private readonly events: OidcEvents,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Ends the sessions that the token names, on every instance.
   *
   * @throws {@link OAuthError} 400 `invalid_request` for a token that does not hold, or was seen before, and when provider or store
   * cannot be asked: the specification knows 200 and 400 only (§2.8). 404 in passthrough mode.
   */
  async end(logoutToken: string): Promise<void> {
    const { subjectClaim } = brokerOptions(this.options);
    try {
      await this.#end(logoutToken, subjectClaim === undefined);
    } catch (error) {
      throw error instanceof OAuthError ? refused(error) : error;
    }
    this.events.emit('logout', { provider: this.provider.name });
  }

  async #end(logoutToken: string, mintsSub: boolean): Promise<void> {
    const claims = await this.provider.readLogoutToken(logoutToken);
    if (!this.#isFirst(claims)) throw refused('seen before');
    try {
      await this.#endSessions(claims, mintsSub);
    } catch (error) {
      this.#seen.delete(claims.jti); // the provider may send it again
      throw error;
    }
  }

  async #endSessions({ iss, iat, sid, sub }: LogoutTokenClaims, mintsSub: boolean): Promise<void> {
    // What began after the logout is none of its business, also when the token is sent again to another instance.
    const latestMs = (iat + 1 + this.options.clockToleranceSec) * 1000;
    const list = async () => {
      const sessions = await this.sessions.ofProvider(iss, { sid, sub });
      return sessions.filter(({ createdAt }) => createdAt.getTime() <= latestMs);
    };
    if (sid === undefined && sub !== undefined) {
      const subjects = new Set((await list()).map(({ subjectHash }) => subjectHash));
      if (mintsSub) subjects.add(storedHash(sub)); // tokens by exchange belong to no session
      for (const subjectHash of subjects) await this.users.refuseTokensOf(subjectHash);
    }
    await this.users.endEach(list, 'logout');
  }

  #isFirst({ jti, exp }: LogoutTokenClaims): boolean {
    const nowSec = this.clock.now().getTime() / 1000 - this.options.clockToleranceSec;
    for (const [id, expiresAt] of this.#seen) {
      if (expiresAt > nowSec && this.#seen.size < CAPACITY) break;
      this.#seen.delete(id);
    }
    if (this.#seen.has(jti)) return false;
    this.#seen.set(jti, exp);
    return true;
  }
}
