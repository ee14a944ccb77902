import { unavailable } from '../errors/oauth.error.js';
import { TOO_MANY_CALLS } from './guarded-fetch.js';

/** What one kind of call may take of those that may be under way at once, so that it leaves some for the others. */
export class CallShare {
  #underWay = 0;

  constructor(private readonly most: number) {}

  /** @throws {@link OAuthError} 503 with `Retry-After` at once where its share is taken; else what `call` throws. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.most) throw unavailable(TOO_MANY_CALLS, 1);
    this.#underWay += 1;
    try {
      return await call();
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** At least one, of however few there are. */
export function shareOf(maxCalls: number, part: number): number {
  return Math.max(1, Math.floor(maxCalls * part));
}
