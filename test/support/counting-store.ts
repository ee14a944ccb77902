import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';

/** A store that notes what it is asked, and fails when it is told to. */
export interface CountingStore {
  readonly store: BrokerStore;
  /** The methods that were called, in order. */
  readonly calls: string[];
  /** From now on every call fails, or works again. */
  down: boolean;
  /** What single methods do instead of their work, as in a database without rights, without space or behind a lock. */
  readonly faults: Map<string, 'reject' | 'hang'>;
  /** How often a method was called. */
  readonly count: (method: keyof BrokerStore) => number;
  /** The ids of the signing keys that were to be written, also where that failed. */
  readonly offeredKeys: string[];
}

/** Makes a {@link CountingStore}, in memory unless another one is given. */
export function countingStore(behind: BrokerStore = new MemoryBrokerStore()): CountingStore {
  const calls: string[] = [];
  const offeredKeys: string[] = [];
  const faults: CountingStore['faults'] = new Map();
  const store = new Proxy(behind, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || name === 'constructor') return member;
      return (...given: unknown[]): unknown => {
        calls.push(String(name));
        if (name === 'insertSigningKey') offeredKeys.push(Reflect.get(Object(given[0]), 'kid'));
        if (counting.down && name !== 'close') return Promise.reject(new Error('ECONNREFUSED'));
        const fault = faults.get(String(name));
        if (fault === 'hang') return new Promise(() => undefined);
        if (fault === 'reject') return Promise.reject(new Error('permission denied'));
        return Reflect.apply(member, target, given);
      };
    },
  });
  const counting: CountingStore = {
    store,
    calls,
    down: false,
    faults,
    offeredKeys,
    count: (method) => calls.filter((name) => name === method).length,
  };
  return counting;
}
