import { vi } from 'vitest';

let pending = 0;
let last: Promise<unknown> = Promise.resolve();

/** Like `object`, each call of which begins when the one before has ended. */
function serial<T extends object>(object: T): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): Promise<unknown> => {
        pending += 1;
        const result = last.then((): unknown => Reflect.apply(member, target, given));
        const over = () => {
          pending -= 1;
        };
        last = result.then(over, over);
        return result;
      };
    },
  });
}

/**
 * Lets calls of Web Crypto end in the order in which they are made, whatever its threads do, and {@link settled} wait for them. Undone
 * by `vi.unstubAllGlobals()`.
 */
export function serializeCrypto(): void {
  const { crypto } = globalThis;
  const subtle = serial(crypto.subtle);
  const get = (target: typeof crypto, name: string | symbol): unknown =>
    name === 'subtle' ? subtle : Reflect.get(target, name, target);
  vi.stubGlobal('crypto', new Proxy(crypto, { get }));
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits until nothing goes on that does not wait for the time to pass. */
export async function settled(): Promise<void> {
  await turn();
  if (pending > 0) await settled();
}
