import type { KeyRing, Sealer } from '../sealing/key-ring.js';
import type { WantedLogin } from '../tokens/step-up.js';
import { textList } from '../tokens/text-list.js';

const LIFETIME_SEC = 600;

/**
 * What the rule of a handler demands of a login, on its way through the browser to the login route: sealed, so that no caller makes one up,
 * whatever the option `loginParameters` lets callers ask for.
 */
export class DemandedLogins {
  readonly #sealer: Sealer;

  constructor(keyRing: KeyRing) {
    this.#sealer = keyRing.sealer('step-up');
  }

  seal({ acrValues, maxAgeSec }: WantedLogin): Promise<string> {
    const age = maxAgeSec === undefined ? {} : { m: maxAgeSec };
    return this.#sealer.seal({ l: acrValues, ...age }, LIFETIME_SEC);
  }

  /** `undefined` when it was altered, has expired or was never ours. */
  async open(sealed: string): Promise<WantedLogin | undefined> {
    const payload = await this.#sealer.open(sealed);
    if (payload === undefined) return undefined;
    const { l: acrValues, m: maxAgeSec } = payload;
    return {
      acrValues: textList(acrValues),
      maxAgeSec: typeof maxAgeSec === 'number' ? maxAgeSec : undefined,
    };
  }
}
