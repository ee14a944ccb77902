import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { badUpstreamAnswer, invalidGrant, unavailable } from '../errors/oauth.error.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { BrokerSession, ReplacedGeneration, SessionState } from '../store/broker-store.js';
import { StoreAccess } from '../store/store-access.js';
import { type PresentedRefreshToken, RefreshTokens, equalHashes } from './refresh-tokens.js';
import { type SessionContent, SessionContents } from './session-content.js';
import { type OpenSession, Sessions } from './sessions.js';
import { type RenewedTokens, SessionEnd, UpstreamTokens } from './upstream-tokens.js';

/** A lease outlives the call to the identity provider by this much, clock differences included. */
const LEASE_MARGIN_MS = 5000;
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;
const MOST_REPLACED = 100;
/** A stored access token of the provider that ends sooner is renewed first. */
const MIN_LEFT_SEC = 30;

/** Whether a refresh gives out a next refresh token of ours. */
type Rotation = 'rotate' | 'keep';

/**
 * Refreshes sessions. Only one instance at a time talks to the identity provider for a session: it holds a lease, whose
 * id its commit is compared with. The old state is replaced only after the provider answered.
 */
@Injectable()
export class SessionRefresh {
  /** Requests with the same refresh token in this process: one of them works, all get its result. */
  readonly #flights = new Map<string, Promise<OpenSession>>();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(Clock) private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly sessions: Sessions,
    private readonly contents: SessionContents,
    private readonly tokens: RefreshTokens,
    private readonly upstream: UpstreamTokens,
    private readonly events: OidcEvents,
  ) {}

  /**
   * The session after the refresh that this token is good for: a new one, or in its grace time the one that replaced it.
   *
   * @throws {@link OAuthError} 400 `invalid_grant`, one text whatever does not hold; 503 when the provider or the store
   * cannot be asked, or another holder of the lease outlives `timeoutMs`: the token then stays good.
   */
  async refresh(refreshToken: string): Promise<OpenSession> {
    const presented = this.tokens.read(refreshToken);
    if (presented === undefined) throw invalidGrant('not a refresh token of ours');
    return this.#joined(presented.hash, () => this.#refresh(presented));
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

  async #joined(key: string, start: () => Promise<OpenSession>): Promise<OpenSession> {
    const flight = this.#flights.get(key) ?? start().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  async #refresh(presented: PresentedRefreshToken): Promise<OpenSession> {
    let wasCurrent = false;
    return this.#patiently(async () => {
      const session = await this.sessions.find(presented.sessionId);
      if (session === undefined) throw invalidGrant('unknown or ended session');
      if (presented.generation !== session.generation) {
        return this.#successor(session, presented, wasCurrent);
      }
      if (!equalHashes(presented.hash, session.refreshHash))
        throw invalidGrant('another refresh token');
      wasCurrent = true;
      return this.#underLease(session, 'rotate');
    });
  }

  async #renewed(sessionId: string): Promise<OpenSession> {
    return this.#patiently(async () => {
      const open = await this.sessions.findOpen(sessionId);
      if (open === undefined) throw invalidGrant('unknown or ended session');
      const { accessToken, accessExpiresAt = 0, refreshToken } = open.content.provider;
      const leftSec = accessExpiresAt - this.clock.now().getTime() / 1000;
      if (accessToken !== undefined && leftSec > MIN_LEFT_SEC) return open;
      if (refreshToken !== undefined) return this.#underLease(open.session, 'keep');
      if (accessToken !== undefined && leftSec > 0) return open;
      throw invalidGrant('no refresh token of the provider');
    });
  }

  /** Tries until it has an answer, or others have held the lease for as long as a call may take. */
  async #patiently(attempt: () => Promise<OpenSession | undefined>): Promise<OpenSession> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let waitedMs = 0; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      const open = await attempt();
      if (open !== undefined) return open;
      if (waitedMs >= this.options.timeoutMs) throw unavailable('the session is being refreshed');
      const jitteredMs = pauseMs * (0.75 + Math.random() / 2);
      await sleep(jitteredMs);
      waitedMs += jitteredMs;
    }
  }

  /** What a token gets that is not the current one: its successor in the grace time, and the end of the session after it. */
  async #successor(
    session: BrokerSession,
    presented: PresentedRefreshToken,
    wasCurrent: boolean,
  ): Promise<OpenSession> {
    if (presented.generation > session.generation) throw invalidGrant('never given out');
    const replaced = session.replaced.find(({ generation }) => generation === presented.generation);
    // Whoever was seen with it while it was current has only waited for another's refresh.
    if (wasCurrent || (replaced !== undefined && this.#isGraced(replaced))) {
      const content = await this.sessions.open(session);
      if (content === undefined) throw invalidGrant('undecryptable');
      return { session, content };
    }
    this.events.emit('refresh-token-reused', {
      provider: session.provider,
      session: hashedId(session.id),
    });
    await this.sessions.end(session, 'refresh-token-reused');
    throw invalidGrant('reused refresh token');
  }

  #isGraced({ at }: ReplacedGeneration): boolean {
    const graceMs = (this.options.broker?.refreshGraceSec ?? 0) * 1000;
    return this.clock.now().getTime() - at.getTime() < graceMs;
  }

  /** One refresh at the identity provider; `undefined` when somebody else holds the lease, or has taken it over. */
  async #underLease(session: BrokerSession, rotation: Rotation): Promise<OpenSession | undefined> {
    const { id, generation } = session;
    if (session.leaseUntil !== undefined && session.leaseUntil > this.clock.now()) return undefined;
    const content = await this.sessions.open(session);
    if (content === undefined) throw invalidGrant('undecryptable');
    await this.upstream.prepare();
    const leaseId = randomBytes(16).toString('hex');
    if (!(await this.#take(id, leaseId, generation))) return undefined;
    const renewed = await this.#renewOrRelease(session, content, leaseId);
    const next = await this.#nextState(session, content, renewed, rotation);
    if (await this.#commit(id, leaseId, next.state)) {
      return { session: { ...session, ...next.state }, content: next.content };
    }
    // Somebody else went on without us, and ours is thrown away; of a session that ended the tokens are given back.
    if ((await this.sessions.find(id)) === undefined) await this.upstream.revoke(renewed.provider);
    return undefined;
  }

  async #take(id: string, leaseId: string, generation: number): Promise<boolean> {
    const now = this.clock.now();
    const until = new Date(now.getTime() + this.options.timeoutMs + LEASE_MARGIN_MS);
    const request = { leaseId, until, now, generation };
    try {
      return await this.store.ask((store) => store.takeLease(id, request));
    } catch (error) {
      // The answer was lost: the row says whether the lease is ours.
      if ((await this.sessions.find(id))?.leaseId === leaseId) return true;
      throw error;
    }
  }

  async #renewOrRelease(
    session: BrokerSession,
    content: SessionContent,
    leaseId: string,
  ): Promise<RenewedTokens> {
    try {
      return await this.upstream.renew(session.id, content);
    } catch (error) {
      if (error instanceof SessionEnd) {
        await this.sessions.end(session, error.reason);
        throw error.refusal;
      }
      await this.store
        .ask((store) => store.releaseLease(session.id, leaseId), { repeat: true })
        .catch(() => undefined); // it runs out by itself
      throw error;
    }
  }

  async #nextState(
    session: BrokerSession,
    content: SessionContent,
    renewed: RenewedTokens,
    rotation: Rotation,
  ): Promise<{ state: SessionState; content: SessionContent }> {
    const now = this.clock.now();
    const generation = session.generation + 1;
    const issued = rotation === 'rotate' ? this.tokens.issue(session.id, generation) : undefined;
    const next: SessionContent = {
      ...content,
      ...renewed,
      refreshToken: issued?.token ?? content.refreshToken,
    };
    const sealed = await this.contents.seal(session.id, next);
    if (sealed === undefined) throw badUpstreamAnswer('tokens too large to keep');
    const current = { generation: session.generation, at: now };
    const graced = [...session.replaced, current].filter((one) => this.#isGraced(one));
    if (issued === undefined) {
      const { usedAt, expiresAt, generation: same, refreshHash, replaced } = session;
      const kept = { usedAt, expiresAt, generation: same, refreshHash, replaced };
      return { state: { ...kept, sealed }, content: next };
    }
    const state: SessionState = {
      usedAt: now,
      expiresAt: this.sessions.idleEnd(now, session.endsAt),
      generation,
      refreshHash: issued.hash,
      replaced: graced.slice(-MOST_REPLACED),
      sealed,
    };
    return { state, content: next };
  }

  /**
   * Writes the new state while the lease is ours. Where the answer is lost the row is read: it tells whether the write
   * was made, and it is repeated only while the lease is still ours.
   */
  async #commit(id: string, leaseId: string, state: SessionState): Promise<boolean> {
    const write = () => this.store.ask((store) => store.rotateSession(id, leaseId, state));
    try {
      return await write();
    } catch {
      const session = await this.sessions.find(id);
      if (session === undefined) return false;
      if (session.sealed === state.sealed) return true;
      return session.leaseId === leaseId ? write() : false;
    }
  }
}
