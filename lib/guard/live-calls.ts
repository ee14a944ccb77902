import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import type { Identity } from '../tokens/identity.js';

/** Ends what lives longer than its token well within the ten seconds that a revocation may take. */
const SWEEP_MS = 2000;

/** A connection, a subscription or a stream that goes on after the guard let it in. */
export interface LiveCall {
  identity: Identity;
  /** Called once, when its token has ended or was revoked. */
  readonly end: () => void;
}

/** Ends connections, subscriptions and streams with the token that opened them: one timer for all, none while there are none. */
@Injectable()
export class LiveCalls implements BeforeApplicationShutdown {
  readonly #calls = new Set<LiveCall>();
  #timer: NodeJS.Timeout | undefined;

  constructor(@Inject(Clock) private readonly clock: Clock) {}

  /** @returns what to call when it has ended by itself. */
  watch(call: LiveCall): () => void {
    this.#calls.add(call);
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return () => this.#forget(call);
  }

  /** Ends what is over by now. */
  sweep(): void {
    const nowSec = epochSeconds(this.clock);
    for (const call of this.#calls) {
      const { claims, holds } = call.identity;
      if (claims.exp > nowSec && holds()) continue;
      this.#forget(call);
      call.end();
    }
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
    this.#calls.clear();
  }

  #forget(call: LiveCall): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
