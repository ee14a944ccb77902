import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { SafeLogger } from '../errors/safe-logger.js';
import { type WholeError, wholeError } from '../errors/whole-error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { LineLimiter } from './line-limiter.js';

const SHORTEST_SECRET = 4; // shorter ones cannot be told from words

/** Our secrets in the forms in which requests hold them (RFC 6749 §2.3.1). */
function secretsOf({ clientId, clientSecret, encryptionKeys }: ResolvedOptions): string[] {
  const secrets = encryptionKeys.map((key) => key.reveal());
  const secret = clientSecret?.reveal();
  if (secret !== undefined) {
    const encoded = new URLSearchParams({ '': secret }).toString().slice(1);
    const basic = [`${clientId}:${secret}`, `${encodeURIComponent(clientId)}:${encoded}`];
    secrets.push(...basic.map((pair) => Buffer.from(pair).toString('base64')));
    secrets.push(secret, encoded, encodeURIComponent(secret));
  }
  return secrets.filter(({ length }) => length >= SHORTEST_SECRET);
}

/** Tells of what the host's own functions throw, as Nest would: at error level, with message and stack. */
@Injectable()
export class HostFaults {
  readonly #logger = new SafeLogger();
  readonly #limiter: LineLimiter;
  readonly #reported = new WeakSet<object>();
  readonly #secrets: readonly string[];

  constructor(clock: Clock, @Inject(RESOLVED_OPTIONS) options: ResolvedOptions) {
    this.#limiter = new LineLimiter(clock);
    this.#secrets = secretsOf(options);
  }

  /** What the host threw, without our secrets and what looks like a token. */
  masked(error: unknown, secrets: readonly string[] = []): WholeError {
    return wholeError(error, [...this.#secrets, ...secrets]);
  }

  /** Calls a function of the host's. What it throws is logged, and goes on to the caller. */
  async call<T>(who: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.report(who, error);
      throw error;
    }
  }

  /**
   * Logs an exception whole, once; our secrets and what looks like a token are masked.
   *
   * @param who the option with the function, or the route.
   * @param secrets of the call, to be masked too.
   */
  report(who: string, error: unknown, secrets: readonly string[] = []): void {
    if (typeof error === 'object' && error !== null) {
      if (this.#reported.has(error)) return;
      this.#reported.add(error);
    }
    const { message, stack } = this.masked(error, secrets);
    const line = `${who} threw ${message}`;
    const admitted = this.#limiter.admit(line, line);
    if (admitted !== undefined) this.#logger.error(admitted, stack);
  }
}
