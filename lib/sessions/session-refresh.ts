import type { Clock } from '../clock/clock.js';
import { Deadline } from '../clock/deadline.js';
import { invalidScope } from '../errors/invalid-scope.js';
import { invalidProof } from '../dpop/dpop-proof.js';
import { badUpstreamAnswer, invalidGrant, unavailable } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { BrokerSession } from '../contract/broker-store.js';
import { measure } from '../telemetry/telemetry.js';
import { isGraced } from './grace-time.js';
import { type PresentedRefreshToken, type RefreshTokens, equalHashes } from './refresh-tokens.js';
import type { SessionRenewal } from './session-renewal.js';
import type { Sessions } from './sessions.js';
import type { OpenSession } from './open-session.js';
import { SessionEnd, type UpstreamTokens } from './upstream-tokens.js';

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;
/** A stored access token of the provider that ends sooner is renewed first. */
const MIN_LEFT_SEC = 30;

/**
 * Refreshes sessions: says what a refresh token is good for, and has the session renewed by one instance at a time. The old state
 * is replaced only after the provider answered.
 */
export class SessionRefresh {
  /** Requests with the same refresh token in this process: one of them works, all get its result. */
  readonly #flights = new Map<string, Promise<OpenSession>>();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly sessions: Sessions,
    private readonly tokens: RefreshTokens,
    private readonly renewal: SessionRenewal,
    private readonly upstream: UpstreamTokens,
    private readonly events: OidcEvents,
  ) {}

  /**
   * The session after the refresh that this token is good for: a new one, or in its grace time the one that replaced it.
   *
   * @param scope must be within that of the session (RFC 6749 §6). Looked at after the token itself: whoever has one that was
   * stolen or replaced must not be able to ask without the alarm.
   * @param key that the caller has proved to hold, by its thumbprint. A token that is bound to another one is refused before anything else is looked
   * at: who lacks the key learns nothing, ends nothing, and costs no look at the store. An unbound one is bound from then on.
   * @throws {@link OAuthError} 400 `invalid_grant`, one text whatever does not hold; 400 `invalid_dpop_proof`, `invalid_scope`; 503 when the provider or the store
   * cannot be asked, or another holder of the lease outlives `timeoutMs`: the token then stays good.
   */
  async refresh(refreshToken: string, scope?: string, key?: string): Promise<OpenSession> {
    const presented = this.tokens.read(refreshToken);
    if (presented === undefined) throw invalidGrant('not a refresh token of ours');
    if (presented.key !== undefined && presented.key !== key) {
      throw invalidProof(400, new Reason('the refresh token is bound to another key'));
    }
    const name = `${presented.hash} ${key ?? ''} ${scope ?? ''}`;
    return this.#joined(name, () => this.#refresh({ ...presented, key }, scope));
  }

  /**
   * A live access token of the identity provider, renewed under the same lease when it is about to end.
   *
   * @throws {@link OAuthError} 400 `invalid_grant` when the session is over or has no refresh token; 503.
   */
  async providerAccessToken(sessionId: string): Promise<string> {
    const open = await this.#joined(`provider ${sessionId}`, () => this.#renewed(sessionId));
    const { accessToken } = open.content.provider;
    if (accessToken === undefined) throw badUpstreamAnswer('access token too large to keep');
    return accessToken;
  }

  /**
   * A session with claims that are newer than those, renewed at the provider unless another one has done so.
   *
   * @throws {@link OAuthError} 400 `invalid_grant`, 403 when the session is over; 502, 503 when it is as it was.
   */
  async renewedSince(sessionId: string, claimsAt: number): Promise<OpenSession> {
    return this.#joined(`claims ${sessionId}`, () =>
      this.#patiently(async () => {
        const open = await this.sessions.findOpen(sessionId);
        if (open === undefined) throw invalidGrant('unknown or ended session');
        if ((open.content.claimsAt ?? 0) > claimsAt) return open;
        return this.renewal.renew(open, 'keep');
      }),
    );
  }

  async #joined(key: string, start: () => Promise<OpenSession>): Promise<OpenSession> {
    const flight = this.#flights.get(key) ?? start().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  async #refresh(
    presented: PresentedRefreshToken,
    scope: string | undefined,
  ): Promise<OpenSession> {
    // Whoever was seen with a token while it was current has only waited for another's refresh.
    let wasCurrent = false;
    return this.#patiently(async () => {
      const session = await this.sessions.find(presented.sessionId);
      if (session === undefined) throw invalidGrant('unknown or ended session');
      const current = presented.generation === session.generation;
      if (!current && !wasCurrent) await this.#checkReplaced(session, presented);
      if (current && !equalHashes(presented.hash, session.refreshHash))
        throw invalidGrant('another refresh token');
      const content = await this.sessions.open(session);
      if (content === undefined) throw invalidGrant('undecryptable');
      if (!wasCurrent) checkScope(scope, content.scope);
      wasCurrent ||= current;
      const open = { session, content };
      await this.#checkProvider(open);
      return current ? this.renewal.renew(open, 'rotate', presented.key) : open;
    });
  }

  async #renewed(sessionId: string): Promise<OpenSession> {
    return this.#patiently(async () => {
      const open = await this.sessions.findOpen(sessionId);
      if (open === undefined) throw invalidGrant('unknown or ended session');
      await this.#checkProvider(open);
      const { accessToken, accessExpiresAt = 0, refreshToken } = open.content.provider;
      const leftSec = accessExpiresAt - this.clock.now().getTime() / 1000;
      if (accessToken !== undefined && leftSec > MIN_LEFT_SEC) return open;
      if (refreshToken !== undefined) return this.renewal.renew(open, 'keep');
      if (accessToken !== undefined && leftSec > 0) return open;
      throw invalidGrant('no refresh token of the provider');
    });
  }

  /** Nothing is given out for a provider that is gone; whose name another one has now, has no session any more. */
  async #checkProvider({ session, content }: OpenSession): Promise<void> {
    try {
      await this.upstream.check(session, content);
    } catch (error) {
      if (!(error instanceof SessionEnd)) throw error;
      await this.sessions.end(session, error.reason);
      throw error.refusal;
    }
  }

  /** Tries until it has an answer, or others have been in the way for as long as a call may take; the last time after that. */
  async #patiently(attempt: () => Promise<OpenSession | undefined>): Promise<OpenSession> {
    const patience = new Deadline(this.clock, this.options.timeoutMs);
    let waitedMs = 0;
    let last = false;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      const open = await attempt();
      const ends = open !== undefined || last;
      if (ends && waitedMs > 0) measure('oidc.lease.wait.duration', waitedMs, {});
      if (open !== undefined) return open;
      if (last) throw unavailable('the session is being refreshed');
      const jitteredMs = pauseMs * (0.75 + Math.random() / 2);
      await this.clock.sleep(jitteredMs);
      waitedMs += jitteredMs;
      last = waitedMs >= this.options.timeoutMs || patience.leftMs() === 0;
    }
  }

  /** A token that was replaced is good for its successor in the grace time; after that it ends the session. */
  async #checkReplaced(session: BrokerSession, presented: PresentedRefreshToken): Promise<void> {
    if (presented.generation > session.generation) throw invalidGrant('never given out');
    const replaced = session.replaced.find(({ generation }) => generation === presented.generation);
    const { refreshGraceSec } = this.broker;
    if (replaced !== undefined && isGraced(replaced, this.clock.now(), refreshGraceSec)) return;
    this.events.emit('refresh-token-reused', {
      provider: session.provider,
      session: hashedId(session.id),
    });
    await this.sessions.end(session, 'refresh-token-reused');
    throw invalidGrant('reused refresh token');
  }
}

/** @throws {@link OAuthError} 400 `invalid_scope` */
function checkScope(asked: string | undefined, granted: string): void {
  const allowed = granted.split(' ');
  const came = (asked ?? '').split(' ').filter((one) => one !== '' && !allowed.includes(one));
  if (came.length === 0) return;
  const mend = 'a refresh gives no more than the login was granted';
  throw invalidScope('The session does not have these scopes', { expected: allowed, came, mend });
}
