import { storedHash } from '../sessions/refresh-tokens.js';
import type { Revocations } from '../sessions/revocations.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Clock } from '../clock/clock.js';
import { describeError, reasonOf } from '../errors/describe-error.js';
import { OAuthError } from '../errors/oauth.error.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';
import type { LogoutTokenClaims } from '../providers/check-logout-token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { BrokerSession } from '../contract/broker-store.js';
import type { MintedSubjects } from '../users/minted-subjects.js';
import type { UserSessions } from '../sessions/user-sessions.js';

const CAPACITY = 10_000;

function refused(cause: unknown): OAuthError {
  return new OAuthError('invalid_request', 'logout_token is not valid', { cause });
}

/** The identity provider tells that it has logged somebody out (OpenID Connect Back-Channel Logout 1.0). */
export class BackchannelLogout {
  /** When each logout token that was seen expires, by its `jti`; the oldest goes when it is full. */
  readonly #seen = new Map<string, number>();

  constructor(
    private readonly providers: Providers,
    private readonly sessions: Sessions,
    private readonly users: UserSessions,
    private readonly revocations: Revocations,
    private readonly subjects: MintedSubjects,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
    private readonly options: ResolvedOptions,
  ) {}

  /**
   * Ends the sessions that the token names, on every instance.
   *
   * @throws {@link OAuthError} 400 `invalid_request` for a token that does not hold, or was seen before, and when provider or store
   * cannot be asked: the specification knows 200 and 400 only (§2.8).
   */
  async end(logoutToken: string): Promise<void> {
    let provider: IdentityProvider | undefined;
    try {
      provider = await this.providers.ofLogoutToken(logoutToken);
      await this.#end(logoutToken, provider);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const reason = String(reasonOf(error) ?? describeError(error));
      const { name } = provider ?? { name: DEFAULT_PROVIDER };
      this.events.emit('logout-token-refused', { provider: name, reason });
      throw refused(error);
    }
    this.events.emit('logout', { provider: provider.name });
  }

  async #end(logoutToken: string, provider: IdentityProvider): Promise<void> {
    const claims = await provider.readLogoutToken(logoutToken);
    if (!this.#isFirst(provider, claims)) throw refused('seen before');
    try {
      await this.#endSessions(provider, claims);
    } catch (error) {
      this.#seen.delete(seenAs(provider, claims)); // the provider may send it again
      throw error;
    }
  }

  async #endSessions(provider: IdentityProvider, claims: LogoutTokenClaims): Promise<void> {
    const list = async () =>
      (await this.#sessionsOf(claims)).filter((session) => session.provider === provider.name);
    // Tokens by exchange belong to no session, and nobody can tell which one of the user's they came from.
    const which = claims.sid === undefined ? 'all' : 'without a session';
    const subjects = new Set((await list()).map(({ subjectHash }) => subjectHash));
    const { iss, sub } = claims;
    const minted =
      sub === undefined ? undefined : await this.subjects.ofIdentity(provider, { iss, sub });
    if (minted !== undefined) subjects.add(storedHash(minted));
    for (const subjectHash of subjects) await this.revocations.revokeSubject(subjectHash, which);
    await this.users.endEach(list, 'logout');
  }

  /**
   * What a logout token means (§2.7): by `sub` alone all sessions of the user; by `sid` that session. With both also those sessions
   * of the user whose ID token named no `sid`: one of them may be it, and nobody can tell.
   */
  async #sessionsOf({ iss, iat, sid, sub }: LogoutTokenClaims): Promise<BrokerSession[]> {
    const named = sid === undefined ? [] : await this.sessions.ofProviderSession(iss, sid);
    const ofUser = sub === undefined ? [] : await this.sessions.ofProviderUser({ iss, sub });
    const unnamed = ofUser.filter(
      ({ providerSessionHash }) => sid === undefined || providerSessionHash === undefined,
    );
    const found = [...named, ...unnamed];
    const ends = await Promise.all(found.map((session) => this.#beganBy(session, iat)));
    return found.filter((_session, at) => ends[at]);
  }

  /**
   * What began after the logout is none of its business, also when the token is sent again to another instance. The provider's
   * clock may be behind ours: what it said at the login is then compared with what it says now.
   */
  async #beganBy(session: BrokerSession, logoutIat: number): Promise<boolean> {
    const latestMs = (logoutIat + 1 + this.options.clockToleranceSec) * 1000;
    if (session.createdAt.getTime() <= latestMs) return true;
    const { loginIat } = (await this.sessions.open(session)) ?? {};
    return loginIat !== undefined && loginIat <= logoutIat;
  }

  #isFirst(provider: IdentityProvider, claims: LogoutTokenClaims): boolean {
    const name = seenAs(provider, claims);
    const nowSec = this.clock.now().getTime() / 1000 - this.options.clockToleranceSec;
    for (const [id, expiresAt] of this.#seen) {
      if (expiresAt > nowSec && this.#seen.size < CAPACITY) break;
      this.#seen.delete(id);
    }
    if (this.#seen.has(name)) return false;
    this.#seen.set(name, claims.exp);
    return true;
  }
}

/** A `jti` is unique to its issuer alone: no provider uses up another's. */
function seenAs({ name }: IdentityProvider, { iss, jti }: LogoutTokenClaims): string {
  return JSON.stringify([name, iss, jti]);
}
