import { OAuthError } from '../../lib/errors/oauth.error.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { type Instance, type Surroundings, refreshTokenReader } from './instance.js';
import { Model } from './model.js';
import { type Mood, moodOf } from './mood.js';
import { Random } from './random.js';
import { SimulatedProvider } from './simulated-provider.js';
import type { StoreWorld } from './simulated-store.js';
import { Timeline } from './timeline.js';

/** Until then users act, and things go wrong. */
export const BUSY_MS = 60_000;
/** So long a client waits for an answer. */
export const CLIENT_PATIENCE_MS = 60_000;

/** How a request to an instance ended. */
export type Outcome<T> =
  | { readonly status: 200; readonly value: T }
  | { readonly status: 400 }
  /** 503, no connection, no answer: nobody knows what became of it. */
  | { readonly status: 503 };

/** What everybody in a schedule shares: time, chance, the store, the provider, and who is there. */
export class Scene implements Surroundings {
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly mood: Mood;
  readonly model: Model;
  readonly provider: SimulatedProvider;
  readonly storeWorld: StoreWorld;
  readonly instances: Instance[] = [];

  constructor(seed: number) {
    const { timeline } = this;
    const random = new Random(seed);
    const mood = moodOf(random);
    const model = new Model(timeline, refreshTokenReader());
    const store = new MemoryBrokerStore();
    const strictness = random.pick([
      'revokes on reuse',
      'refuses used tokens',
      'keeps its tokens',
    ] as const);
    this.random = random;
    this.mood = mood;
    this.model = model;
    this.provider = new SimulatedProvider(timeline, random, mood, model, strictness);
    this.storeWorld = { store, timeline, random, mood, model, downUntil: 0, calm: false };
  }

  get isBusy(): boolean {
    return this.timeline.now < BUSY_MS;
  }

  somewhere(): Instance {
    return this.random.pick(this.instances);
  }

  /** A request over the network, to a process that may be frozen or dead. */
  request<T>({ process }: Instance, work: () => Promise<T>): Promise<Outcome<T>> {
    const timeline = this.timeline;
    return new Promise((resolve) => {
      const answer = (outcome: Outcome<T>) => {
        timeline.after(this.random.between(1, 20), () => resolve(outcome));
      };
      timeline.after(CLIENT_PATIENCE_MS, () => resolve({ status: 503 }));
      timeline.after(
        this.random.between(1, 20),
        () => {
          work().then(
            (value) => answer({ status: 200, value }),
            (error: unknown) => answer(this.#refusal(error)),
          );
        },
        process,
      );
    });
  }

  #refusal(error: unknown): { status: 400 } | { status: 503 } {
    if (error instanceof OAuthError && error.error === 'invalid_grant') return { status: 400 };
    if (error instanceof OAuthError && error.getStatus() === 503) return { status: 503 };
    this.model.violated(
      `unexpected: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    );
    return { status: 503 };
  }
}
