import type { BrokerStore } from '../../lib/contract/broker-store.js';

/** What a store is asked for a session. */
type SessionMethod =
  | 'createSession'
  | 'findSession'
  | 'releaseLease'
  | 'revokeSession'
  | 'rotateSession'
  | 'takeLease';

/** Puts something in the place of a store's next answers; `usual` asks it. */
export function intercept(
  store: BrokerStore,
  method: SessionMethod,
  answer: (usual: () => Promise<unknown>) => Promise<unknown>,
  times = 1,
): void {
  const original: (...call: never[]) => Promise<unknown> = store[method].bind(store);
  let left = times;
  Object.assign(store, {
    [method]: (...call: never[]) => {
      const usual = () => original(...call);
      if (left === 0) return usual();
      left -= 1;
      return answer(usual);
    },
  });
}

/** Lets a store's next answers be failures; `heard`: it does what it is asked all the same. */
export function failing(
  store: BrokerStore,
  method: SessionMethod,
  { times = 1, heard = false }: { times?: number; heard?: boolean } = {},
): void {
  const fail = async (usual: () => Promise<unknown>) => {
    if (heard) await usual();
    throw new Error('the connection was lost');
  };
  intercept(store, method, fail, times);
}
