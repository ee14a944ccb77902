import type { Written } from './option-group.js';
import { Must, Optional, within } from './value-rules.js';

/** Replaces the global `fetch` for every outgoing call: proxies, private CAs, test doubles. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** How calls to other servers are made. */
export class CallGroup {
  /** Used for every outgoing call instead of the global `fetch`. */
  @Optional()
  @Must(
    'must be a function (url, init) => Promise<Response>',
    (value) => typeof value === 'function',
  )
  fetch?: FetchFunction | undefined;

  /**
   * Time limit of each call to the identity provider, its body included, in milliseconds.
   * @defaultValue `10000`
   */
  @Optional()
  @Must('must be a whole number of milliseconds from 100 to 120000', within(100, 120_000))
  timeoutMs?: number = 10000;

  /**
   * Calls to the identity provider under way at once; one more answers 503 with `Retry-After`.
   * @defaultValue `50`
   */
  @Optional()
  @Must('must be a whole number from 1 to 10000', within(1, 10_000))
  maxUpstreamCalls?: number = 50;
}

/** How calls to other servers are made. */
export interface CallOptions extends Written<CallGroup> {}
