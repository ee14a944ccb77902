import type { BrokerStore } from '../../lib/store/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';

/** A store in memory that notes what it is asked, and fails when it is told to. */
export interface CountingStore {
  readonly store: BrokerStore;
  /** The methods that were called, in order. */
  readonly calls: string[];
  /** From now on every call fails, or works again. */
  down: boolean;
}

/** Makes a {@link CountingStore}. */
export function countingStore(): CountingStore {
  const calls: string[] = [];
  const store = new Proxy(new MemoryBrokerStore(), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || name === 'constructor') return member;
      return (...given: unknown[]): unknown => {
        calls.push(String(name));
        if (counting.down && name !== 'close') return Promise.reject(new Error('ECONNREFUSED'));
        return Reflect.apply(member, target, given);
      };
    },
  });
  const counting: CountingStore = { store, calls, down: false };
  return counting;
}
