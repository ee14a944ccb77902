import { EventEmitter } from 'node:events';
import { createHash } from 'node:crypto';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { eventLink, refusalLink, withLink } from '../errors/page-link.js';
import { printable } from '../errors/printable.js';
import { SafeLogger } from '../errors/safe-logger.js';
import { wholeError } from '../errors/whole-error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { count } from '../telemetry/telemetry.js';
import type { OidcEventMap, OidcEventName } from './event-map.js';
import { LineLimiter } from './line-limiter.js';

export type { OidcEventMap, OidcEventName, SessionEndReason } from './event-map.js';

/** How events are told. */
export interface EventOptions {
  readonly requestId: (() => string | undefined) | undefined;
  readonly logSuccesses: boolean;
}

/** Where events go; {@link OidcEvents} is the one that tells of them. */
export interface EventSink {
  emit<Name extends OidcEventName>(name: Name, event: OidcEventMap[Name]): void;
}

/** Events that are logged, with what to do about them. A refused token is told by the line of its request. */
const ALARMS: Partial<Record<OidcEventName, string>> = {
  'claim-mistyped':
    'what cannot be used of it counts as absent; roles that are objects become roles by "broker.mapClaims"',
  'issuer-claimed-twice': 'see "accessTokenIssuers" and "broker.trustedIssuers"',
  'keys-changed': '',
  'stale-keys-served': 'the key set of the identity provider cannot be fetched',
  'peer-keys-changed': '',
  'stale-peer-keys-served': 'the key set of a trusted issuer cannot be fetched',
  'peer-failed': '',
  'trusted-issuers-failed': 'the last good list of "broker.trustedIssuers" stays in force',
  'providers-failed': 'the last map of "providers" stays in force',
  'provider-dropped': '',
  'client-rejected': 'check "clientId", "clientSecret" and "clientAuthentication"',
  'provider-failed': '',
  'grant-refused': 'enable this grant for "clientId" at the identity provider',
  'subject-mismatch': '',
  'id-token-mismatch': '',
  'logout-token-refused': '',
  revoke: '',
  'refresh-token-reused': 'a refresh token was stolen, or a client keeps old ones',
  'claims-not-renewed': '',
  'renewal-lost': 'the database of "broker.store" did not keep a refresh in time',
  'signing-key': '',
  'store-failed': 'the database of "broker.store" cannot be asked',
  'clocks-differ': 'keep the clocks of all instances right, by NTP',
  undecryptable: 'put the key that it was encrypted with second in "encryptionKeys"',
};
const LEVELS: Partial<Record<OidcEventName, 'error' | 'log'>> = {
  'trusted-issuers-failed': 'error',
  'client-rejected': 'error',
  'issuer-claimed-twice': 'error',
  'grant-refused': 'error',
  'subject-mismatch': 'error',
  'id-token-mismatch': 'error',
  revoke: 'log',
  'refresh-token-reused': 'error',
  'renewal-lost': 'error',
  'signing-key': 'log',
  'store-failed': 'error',
  'clocks-differ': 'error',
  undecryptable: 'error',
};
/** Logged once each, whatever comes between: they come with every token. */
const ONCE: ReadonlySet<OidcEventName> = new Set(['claim-mistyped']);
const MOST_TOLD = 1000;

/** Lines only where the option `logSuccesses` asks for them. */
const SUCCESSES: ReadonlySet<OidcEventName> = new Set(['login', 'refresh', 'logout']);

/**
 * The form in which an id may appear in an event: 16 hexadecimal digits of its SHA-256. Hash a `sub`, or the `sid` of a token of yours, to find
 * its events.
 */
export function hashedId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 16);
}

function lineOf(name: OidcEventName, event: object, advice: string): string {
  const written = JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  );
  return [name, written, advice].filter(Boolean).join(' ');
}

/**
 * The one emitter of this module's events. Inject it to count logins or to raise alarms:
 *
 * @example `events.on('login', ({ subject }) => counter.increment())`
 *
 * Alarms are also logged, at most one line a minute for each reason, with the number of those left out; mistyped claims once each.
 * A listener that throws or rejects is logged and disturbs nobody.
 */
@Injectable()
export class OidcEvents {
  readonly #emitter = new EventEmitter();
  readonly #logger = new SafeLogger();
  readonly #limiter: LineLimiter;
  readonly #told = new Set<string>();

  readonly #options: EventOptions | undefined;

  constructor(clock: Clock, @Optional() @Inject(RESOLVED_OPTIONS) options?: EventOptions) {
    this.#options = options;
    this.#limiter = new LineLimiter(clock);
    this.#emitter.setMaxListeners(0);
  }

  /** Calls `listener` for every event of that name; the function returned ends it. */
  on<Name extends OidcEventName>(
    name: Name,
    listener: (event: OidcEventMap[Name]) => unknown,
  ): () => void {
    const report = (error: unknown): void => {
      const { message, stack } = wholeError(error);
      const line = `A listener of the event "${name}" threw ${message}`;
      const admitted = this.#limiter.admit(line, () => line);
      if (admitted === undefined) return;
      this.#logger.error(withLink(admitted, refusalLink(['reason-threw'])), stack);
    };
    const guarded = (event: OidcEventMap[Name]): void => {
      try {
        Promise.resolve(listener(event)).catch(report);
      } catch (error) {
        report(error);
      }
    };
    this.#emitter.on(name, guarded);
    return () => this.#emitter.off(name, guarded);
  }

  /** @internal */
  emit<Name extends OidcEventName>(name: Name, event: OidcEventMap[Name]): void {
    const told = { ...event, ...this.#request() };
    this.#emitter.emit(name, told);
    count('oidc.events', { 'oidc.event': name, 'oidc.provider': event.provider });
    if (SUCCESSES.has(name) && this.#options?.logSuccesses === true) {
      this.#logger.log(withLink(lineOf(name, told, ''), eventLink(name)));
    }
    const advice = ALARMS[name];
    if (advice === undefined) return;
    if (ONCE.has(name)) this.#logOnce(name, event, advice);
    else this.#log(name, told, advice);
  }

  #request(): { requestId?: string } {
    const requestId: unknown = this.#options?.requestId?.(); // a host without types may give anything
    return typeof requestId === 'string' ? { requestId: printable(requestId) } : {};
  }

  #logOnce(name: OidcEventName, event: object, advice: string): void {
    const line = lineOf(name, event, advice);
    if (this.#told.has(line) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(line);
    this.#logger[LEVELS[name] ?? 'warn'](withLink(line, eventLink(name)));
  }

  #log(name: OidcEventName, event: object, advice: string): void {
    const line = (): string => lineOf(name, event, advice);
    const admitted = this.#limiter.admit(`${name} ${kindOf(event)}`, line);
    if (admitted === undefined) return;
    this.#logger[LEVELS[name] ?? 'warn'](withLink(admitted, eventLink(name)));
  }
}

/** What tells alarms of one name apart: not whom they are about. */
function kindOf(
  event: Partial<Record<'reason' | 'error' | 'issuer' | 'what' | 'change', unknown>>,
): string {
  const { reason, error, issuer, what, change } = event;
  return JSON.stringify([reason, error, issuer, what, change]);
}
