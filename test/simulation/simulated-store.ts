import type { BrokerStore } from '../../lib/contract/broker-store.js';
import type { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { Model } from './model.js';
import type { Mood } from './mood.js';
import type { Random } from './random.js';
import type { Process, Timeline } from './timeline.js';

/** What all connections to the store have in common. */
export interface StoreWorld {
  readonly store: MemoryBrokerStore;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly mood: Mood;
  readonly model: Model;
  /** Until when the database is away. */
  downUntil: number;
  /** Whether nothing goes wrong any more. */
  calm: boolean;
}

/** How a call travels: times in milliseconds, and what does not arrive. */
interface Travel {
  readonly thereMs: number;
  readonly backMs: number;
  readonly arrives: boolean;
  readonly returns: boolean;
}

function travelOf({ random, mood, calm }: StoreWorld, method: string): Travel {
  const usual = { thereMs: random.between(1, 60), backMs: random.between(1, 60) };
  if (calm) return { ...usual, arrives: true, returns: true };
  const arrives = !random.chance(mood.storeFails);
  const returns = !random.chance(mood.storeAnswerLost);
  if (method === 'takeLease' && random.chance(mood.leaseLate)) {
    const lateMs = random.between(1000, 14_000);
    const there = random.chance(0.5);
    return there
      ? { ...usual, thereMs: Math.min(lateMs, 4000), arrives, returns }
      : { ...usual, backMs: lateMs, arrives, returns };
  }
  if (method === 'revokeSession' && random.chance(mood.endLate)) {
    return { ...usual, thereMs: random.between(4000, 14_000), arrives, returns };
  }
  return { ...usual, arrives, returns };
}

/** Looks at what a call did, for the model. */
function observe(
  world: StoreWorld,
  process: Process,
  {
    method,
    given,
    result,
    askedAt,
  }: {
    method: string;
    given: readonly unknown[];
    result: unknown;
    askedAt: number;
  },
): void {
  if (result !== true) return;
  const [id, , state] = given;
  if (typeof id !== 'string') return;
  if (method === 'takeLease') world.model.leaseTaken(id, askedAt);
  if (method === 'revokeSession') world.model.ended(id, process);
  if (method !== 'rotateSession' || typeof state !== 'object' || state === null) return;
  const generation: unknown = Reflect.get(state, 'generation');
  world.model.committed(id, Number(generation) - 1);
}

/** The store as one process reaches it, over a network that loses and delays. */
export function connectionOf(world: StoreWorld, process: Process): BrokerStore {
  const { timeline } = world;
  const call = (method: string, member: object, given: readonly unknown[]): Promise<unknown> => {
    const { thereMs, backMs, arrives, returns } = travelOf(world, method);
    const askedAt = timeline.now;
    return new Promise((resolve, reject) => {
      const fail = () => {
        timeline.after(backMs, () => reject(new Error('ECONNRESET')), process);
      };
      timeline.after(thereMs, async () => {
        if (!arrives || (timeline.now < world.downUntil && !world.calm)) return fail();
        const result: unknown = await Reflect.apply(Object(member), world.store, given);
        observe(world, process, { method, given, result, askedAt });
        if (!returns) return fail();
        timeline.after(backMs, () => resolve(result), process);
      });
    });
  };
  return new Proxy(world.store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || name === 'constructor') return member;
      if (name === 'open' || name === 'close') return () => Promise.resolve();
      return (...given: unknown[]) => call(String(name), member, given);
    },
  });
}
