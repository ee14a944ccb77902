import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { HostFaults } from '../events/host-faults.js';
import type { Identity, Look } from '../tokens/identity.js';

/** Ends what lives longer than its token well within the ten seconds that a revocation may take. */
const SWEEP_MS = 2000;
/** So many sessions are looked at together: thousands of connections must not take the store from requests. */
const LOOKS_AT_ONCE = 10;

/** A connection, a subscription or a stream that goes on after the guard let it in. */
export interface LiveCall {
  identity: Identity;
  /**
   * Called once: when its token has ended or was revoked, its session is over, or its user no longer meets the rule.
   *
   * @param refusal says why, where somebody was asked.
   */
  readonly end: (refusal?: OAuthError) => void;
}

/**
 * Ends connections, subscriptions and streams with the token or the session that opened them: one timer for all, none while there are none. A token is
 * what it says until it ends; of a session the row is looked at again every few seconds.
 */
@Injectable()
export class LiveCalls implements BeforeApplicationShutdown {
  readonly #calls = new Set<LiveCall>();
  readonly #lookedAt = new Set<LiveCall>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(Clock) private readonly clock: Clock,
    private readonly faults: HostFaults,
  ) {}

  /** @returns what to call when it has ended by itself. */
  watch(call: LiveCall): () => void {
    this.#calls.add(call);
    this.#timer ??= setInterval(() => void this.sweep(), SWEEP_MS).unref();
    return () => this.#forget(call);
  }

  /** Ends what is over by now; at once what shows without asking. */
  async sweep(): Promise<void> {
    const nowSec = epochSeconds(this.clock);
    const due: [LiveCall, Look][] = [];
    for (const call of this.#calls) {
      const { claims, holds, look } = call.identity;
      const isOver = claims.exp <= nowSec;
      if (!holds() || (isOver && look === undefined)) this.#end(call);
      else if (look === undefined || this.#lookedAt.has(call)) continue;
      else if (isOver || !look.isFresh()) due.push([call, look]);
    }
    for (const [call] of due) this.#lookedAt.add(call);
    const waiting = due.values();
    const lookAtNext = async (): Promise<void> => {
      for (const [call, look] of waiting) await this.#lookAgain(call, look);
    };
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lookAtNext));
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
    this.#calls.clear();
  }

  /** Where nobody can tell, what was seen last counts until it is too old. */
  async #lookAgain(call: LiveCall, look: Look): Promise<void> {
    try {
      const identity = await look.again();
      if (call.identity.look === look) call.identity = identity; // else a fresh token took its place
    } catch (error) {
      const refusal = error instanceof OAuthError ? error : undefined;
      if (refusal === undefined) this.faults.report('A connection or stream', error);
      const nobodyCanTell = refusal !== undefined && refusal.getStatus() >= 500;
      const counts = nobodyCanTell && look.untilSec > epochSeconds(this.clock);
      if (call.identity.look === look && !counts) this.#end(call, refusal);
    } finally {
      this.#lookedAt.delete(call);
    }
  }

  #end(call: LiveCall, refusal?: OAuthError): void {
    if (!this.#calls.has(call)) return;
    this.#forget(call);
    call.end(refusal);
  }

  #forget(call: LiveCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
