import { randomBytes } from 'node:crypto';
import { type Clock, epochSeconds } from '../clock/clock.js';
import { Deadline } from '../clock/deadline.js';
import { describeError } from '../errors/describe-error.js';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { BrokerSession, SessionState } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import { counted, traced } from '../telemetry/telemetry.js';
import { isGraced } from './grace-time.js';
import type { RefreshTokens } from './refresh-tokens.js';
import type { SessionContent, SessionContents } from './session-content.js';
import type { Sessions } from './sessions.js';
import type { OpenSession } from './open-session.js';
import { type RenewedTokens, SessionEnd, type UpstreamTokens } from './upstream-tokens.js';

/** Instances' clocks may differ by this much: so long before its end another one may take a lease to be over. */
const LEASE_MARGIN_MS = 5000;
const MOST_REPLACED = 100;

/** Whether a renewal gives out a next refresh token of ours. */
export type Rotation = 'rotate' | 'keep';

/** The right to talk to the identity provider for a session. */
interface Lease {
  readonly id: string;
  /** Until then the commit is tried. */
  readonly end: Deadline;
  /** Until then the provider may be asked: sooner, so that no other instance asks at the same time. */
  readonly calls: Deadline;
}

/** What the provider gave, and what becomes of our refresh token. */
interface Renewal {
  readonly renewed: RenewedTokens;
  readonly rotation: Rotation;
  readonly key: string | undefined;
}

/** What a renewal writes. */
interface NextState {
  readonly state: SessionState;
  readonly content: SessionContent;
}

/**
 * One renewal of a session at the identity provider, under its lease: whatever it writes, the end of the session included,
 * it writes only while the lease is its own, and it begins no call that could outlast it.
 */
export class SessionRenewal {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly sessions: Sessions,
    private readonly contents: SessionContents,
    private readonly tokens: RefreshTokens,
    private readonly upstream: UpstreamTokens,
    private readonly events: OidcEvents,
  ) {}

  /**
   * @param key that the next refresh token of ours is bound to, by its thumbprint.
   * @returns `undefined` when the session has to be read again: another one holds the lease, has taken it over or has changed
   * the session meanwhile, or the lease came too late to be of use.
   * @throws {@link OAuthError} 400 `invalid_grant`, 403 when the session is over; 502, 503 when it is as it was.
   */
  async renew(
    open: OpenSession,
    rotation: Rotation,
    key?: string,
  ): Promise<OpenSession | undefined> {
    const { leaseUntil, provider } = open.session;
    if (leaseUntil !== undefined && leaseUntil > this.clock.now()) return undefined;
    const attributes = { 'oidc.provider': provider };
    return traced('oidc session renewal', { attributes }, () => this.#renew(open, rotation, key));
  }

  async #renew(
    open: OpenSession,
    rotation: Rotation,
    key: string | undefined,
  ): Promise<OpenSession | undefined> {
    const { session } = open;
    await this.upstream.prepare(session);
    const lease = this.#newLease();
    if (!(await this.#take(session, lease))) return undefined;
    const renewed = await this.#ask(open, lease);
    return renewed && this.#keep(open, lease, { renewed, rotation, key });
  }

  #newLease(): Lease {
    const { timeoutMs } = this.options;
    return {
      id: randomBytes(16).toString('hex'),
      end: new Deadline(this.clock, timeoutMs + LEASE_MARGIN_MS),
      calls: new Deadline(this.clock, timeoutMs),
    };
  }

  /** Takes the lease and looks again: under it nobody else changes the session, but before it somebody may have. */
  async #take({ id, generation, sealed }: BrokerSession, lease: Lease): Promise<boolean> {
    const request = { leaseId: lease.id, until: lease.end.at, now: this.clock.now(), generation };
    const taken = await this.store.ask(
      async (store, again) => (await store.takeLease(id, request)) || again, // of an answer that was lost the row tells
      { repeat: true },
    );
    if (!taken) return false;
    const current = await this.#orRelease(id, lease, () => this.sessions.find(id));
    const useful = current?.leaseId === lease.id && current.sealed === sealed;
    if (useful && !lease.calls.halfOver) return true;
    await this.#release(id, lease);
    return false;
  }

  /** What the provider gives; `undefined` when it ended a session that is no longer ours to end. */
  async #ask({ session, content }: OpenSession, lease: Lease): Promise<RenewedTokens | undefined> {
    return this.#orRelease(session.id, lease, async () => {
      try {
        return await counted('oidc.refreshes', { 'oidc.provider': session.provider }, () =>
          this.upstream.renew(session, content, lease.calls),
        );
      } catch (error) {
        if (!(error instanceof SessionEnd)) throw error;
        const by = { leaseId: lease.id, newest: error.newest };
        if (await this.sessions.end(session, error.reason, by)) throw error.refusal;
        return undefined;
      }
    });
  }

  /** Writes what the provider gave: from here on it exists nowhere else. */
  async #keep(
    open: OpenSession,
    lease: Lease,
    { renewed, rotation, key }: Renewal,
  ): Promise<OpenSession | undefined> {
    const { session } = open;
    try {
      const next = await this.#nextState(open, { renewed, rotation, key });
      if (await this.#commit(session.id, lease, next.state)) {
        return { session: { ...session, ...next.state }, content: next.content };
      }
    } catch (error) {
      await this.#release(session.id, lease);
      await this.#giveUp(open, renewed, error);
      throw error;
    }
    // Somebody else went on without us, and ours is thrown away; of a session that ended the tokens are given back.
    if ((await this.sessions.find(session.id)) === undefined) {
      await this.upstream.revoke(session.provider, renewed.provider);
    }
    return undefined;
  }

  async #nextState(
    { session, content }: OpenSession,
    { renewed, rotation, key }: Renewal,
  ): Promise<NextState> {
    const now = this.clock.now();
    const generation = session.generation + 1;
    const issued =
      rotation === 'rotate' ? this.tokens.issue(session.id, generation, key) : undefined;
    const next: SessionContent = {
      ...content,
      ...renewed,
      refreshToken: issued?.token ?? content.refreshToken,
      ...(content.claimsAt === undefined ? {} : { claimsAt: epochSeconds(this.clock) }),
    };
    const sealed = await this.contents.seal(session.id, next);
    if (sealed === undefined) throw badUpstreamAnswer('tokens too large to keep');
    if (issued === undefined) {
      const { usedAt, expiresAt, generation: same, refreshHash, replaced } = session;
      const kept = { usedAt, expiresAt, generation: same, refreshHash, replaced };
      return { state: { ...kept, sealed }, content: next };
    }
    const current = { generation: session.generation, at: now };
    const graced = [...session.replaced, current].filter((one) =>
      isGraced(one, now, this.broker.refreshGraceSec),
    );
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

  /** Writes the new state while the lease is ours. After an answer that was lost it is not: whoever waits finds in the row what was written. */
  #commit(id: string, lease: Lease, state: SessionState): Promise<boolean> {
    return this.store.ask((store) => store.rotateSession(id, lease.id, state), {
      until: lease.end,
    });
  }

  /** What nobody can use is given back; where the provider gave no new refresh token, that of the session stays good. */
  async #giveUp({ session, content }: OpenSession, renewed: RenewedTokens, error: unknown) {
    const { provider } = session;
    const reason = describeError(error);
    this.events.emit('renewal-lost', { provider, session: hashedId(session.id), reason });
    const isNew = renewed.provider.refreshToken !== content.provider.refreshToken;
    if (isNew) await this.upstream.revoke(provider, renewed.provider);
  }

  async #orRelease<T>(id: string, lease: Lease, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.#release(id, lease);
      throw error;
    }
  }

  /** Best effort: it runs out by itself. */
  async #release(id: string, lease: Lease): Promise<void> {
    await this.store
      .ask((store) => store.releaseLease(id, lease.id), { repeat: true })
      .catch(() => undefined);
  }
}
