import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { refusalLink, withLink } from '../errors/page-link.js';
import { SafeLogger } from '../errors/safe-logger.js';
import { type WholeError, wholeError } from '../errors/whole-error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { LineLimiter } from './line-limiter.js';

const SHORTEST_SECRET = 4; // shorter ones cannot be told from words

/** A provider's secret in the forms in which requests hold it (RFC 6749 §2.3.1). */
function formsOf({ clientId, clientSecret }: ResolvedProvider): string[] {
  const secret = clientSecret?.reveal();
  if (secret === undefined) return [];
  const encoded = new URLSearchParams({ '': secret }).toString().slice(1);
  const basic = [`${clientId}:${secret}`, `${encodeURIComponent(clientId)}:${encoded}`];
  const headers = basic.map((pair) => Buffer.from(pair).toString('base64'));
  return [...headers, secret, encoded, encodeURIComponent(secret)];
}

function secretsOf({ providers, encryptionKeys }: ResolvedOptions): string[] {
  const secrets = encryptionKeys.map((key) => key.reveal());
  return [...secrets, ...providers.list.flatMap(formsOf)].filter(isLongEnough);
}

function isLongEnough({ length }: string): boolean {
  return length >= SHORTEST_SECRET;
}

/** Tells of what the host's own functions throw, as Nest would: at error level, with message and stack. */
@Injectable()
export class HostFaults {
  readonly #logger = new SafeLogger();
  readonly #limiter: LineLimiter;
  readonly #reported = new WeakSet<object>();
  #secrets: readonly string[];

  constructor(clock: Clock, @Inject(RESOLVED_OPTIONS) options: ResolvedOptions) {
    this.#limiter = new LineLimiter(clock);
    this.#secrets = secretsOf(options);
  }

  /** From now on these providers' secrets are masked too. */
  hide(providers: readonly ResolvedProvider[]): void {
    const more = providers.flatMap(formsOf).filter(isLongEnough);
    this.#secrets = [...new Set([...this.#secrets, ...more])];
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
    const admitted = this.#limiter.admit(line, () => line);
    if (admitted === undefined) return;
    this.#logger.error(withLink(admitted, refusalLink(['reason-threw'])), stack);
  }
}
