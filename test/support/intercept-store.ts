import type { BrokerStore } from '../../lib/contract/broker-store.js';

/** What a store is asked for a session. */
const SESSION_METHODS = [
  'createSession',
  'findSession',
  'listSessions',
  'releaseLease',
  'revokeSession',
  'rotateSession',
  'takeLease',
] as const;

type SessionMethod = (typeof SESSION_METHODS)[number];

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

async function locked(usual: () => Promise<unknown>): Promise<unknown> {
  return { ...Object(await usual()), sealed: 'x' };
}

/** Lets the rows that a store finds next be those of another key, which nobody here can decrypt. */
export function lockRows(store: BrokerStore, times: number): void {
  intercept(store, 'findSession', locked, times);
}

/** Counts what a store is asked from now on. */
export function counting(store: BrokerStore, method: SessionMethod): { times: number } {
  const count = { times: 0 };
  const counted = (usual: () => Promise<unknown>) => {
    count.times += 1;
    return usual();
  };
  intercept(store, method, counted, Infinity);
  return count;
}

/** Notes what a store is asked for sessions from now on, in order. */
export function spying(store: BrokerStore): readonly SessionMethod[] {
  const asked: SessionMethod[] = [];
  for (const method of SESSION_METHODS) {
    const noted = (usual: () => Promise<unknown>) => {
      asked.push(method);
      return usual();
    };
    intercept(store, method, noted, Infinity);
  }
  return asked;
}
