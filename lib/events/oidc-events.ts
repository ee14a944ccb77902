import { EventEmitter } from 'node:events';
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { printable } from '../errors/printable.js';
import { SafeLogger } from '../errors/safe-logger.js';
import { wholeError } from '../errors/whole-error.js';
import { LineLimiter } from './line-limiter.js';

/** What every event says. Ids are SHA-256 hashes, cut to 16 hexadecimal digits, so that logs can be joined but not used. */
interface EventBase {
  /** Name of the identity provider in this module's configuration. */
  provider: string;
}

/** Why a session ended. */
export type SessionEndReason =
  | 'logout'
  | 'revoked'
  | 'login-failed'
  | 'refresh-token-reused'
  | 'provider-ended-it'
  | 'subject-changed'
  | 'issuer-changed'
  | 'audience-changed'
  | 'claims-no-longer-allowed'
  | 'undecryptable';

/** The events of {@link OidcEvents} by name, with what each listener receives. */
export interface OidcEventMap {
  /** A login (browser or device) ended with tokens. `subject` is hashed; absent when no ID token came. */
  login: EventBase & {
    grant: 'authorization_code' | 'device_code' | 'token_exchange';
    subject?: string;
    session?: string;
  };
  /** A refresh token was exchanged at the identity provider. */
  refresh: EventBase & { session?: string };
  /** Broker mode: a refresh token was used again after its grace time; the session was ended. */
  'refresh-token-reused': EventBase & { session: string };
  /** Broker mode: a session ended. */
  'session-ended': EventBase & { session: string; reason: SessionEndReason };
  /** Broker mode: after a refresh the user's claims could not be renewed, and those of before were used. */
  'claims-not-renewed': EventBase & { session: string; reason: string };
  /**
   * Broker mode: what the provider gave at a refresh could not be kept, and was given back. Where it rotates its refresh tokens,
   * the user has to log in again. `reason` holds names and codes only.
   */
  'renewal-lost': EventBase & { session: string; reason: string };
  /** Broker mode: a signing key was made (it signs later), began to sign, or was retired in an emergency. */
  'signing-key': EventBase & { kid: string; change: 'created' | 'signs' | 'retired' };
  /** Broker mode: the store could not be asked. `reason` holds names and codes only. */
  'store-failed': EventBase & { reason: string };
  /**
   * Broker mode: what another instance wrote shows that its clock and ours differ by more than `clockToleranceSec`, or that it
   * was frozen. `aheadSec` says how far its clock is ahead, negative: behind.
   */
  'clocks-differ': EventBase & { aheadSec: number };
  /** Broker mode: something in the store cannot be decrypted with `encryptionKeys`. */
  undecryptable: EventBase & { what: 'session' | 'signing-key' };
  /** Somebody was sent to the identity provider's logout. */
  logout: EventBase;
  /** A token was handed to the identity provider's revocation endpoint. */
  revoke: EventBase & { token: string };
  /** A token named an issuer that is not configured. `issuer` is escaped and cut. */
  'issuer-refused': EventBase & { issuer: string };
  /**
   * Broker mode: a name of the provider's access tokens (`accessTokenIssuers`, or `access_token_issuer` of its metadata) is our own
   * or a trusted issuer's too; tokens with it are not exchanged.
   */
  'issuer-claimed-twice': EventBase & { issuer: string };
  /** A token was refused. `reason` names what did not hold, never its value. */
  'token-refused': EventBase & { reason: string };
  /**
   * A claim has another type than its specification fixes (OpenID Connect Core §5.1, RFC 9068 §2.2), and what cannot be used of it counts as
   * absent. `source` says where it was, `came` its type: never a value.
   */
  'claim-mistyped': EventBase & { source: string; claim: string; came: string };
  /** The identity provider's key set changed. The ids are those of the keys. */
  'keys-changed': EventBase & { added: string[]; removed: string[] };
  /** The key set could not be renewed and the last one goes on serving. */
  'stale-keys-served': EventBase & { ageSec: number };
  /** The key set of a trusted issuer changed. `issuer` is escaped and cut; the ids are those of the keys. */
  'peer-keys-changed': EventBase & { issuer: string; added: string[]; removed: string[] };
  /** The key set of a trusted issuer could not be renewed and the last one goes on serving. */
  'stale-peer-keys-served': EventBase & { issuer: string; ageSec: number };
  /** A trusted issuer did not answer, or with nothing usable. `reason` holds names and codes only. */
  'peer-failed': EventBase & { issuer: string; reason: string };
  /** The function of `broker.trustedIssuers` failed, or gave no usable list; the last good one stays in force. */
  'trusted-issuers-failed': EventBase & { reason: string };
  /** The function of the option `providers` failed, or gave no map; the last one stays in force. */
  'providers-failed': EventBase & { reason: string };
  /** An entry that the function of the option `providers` gave is of no use, and left out. */
  'provider-dropped': EventBase & { reason: string };
  /** The identity provider refused this application's own credentials. */
  'client-rejected': EventBase & { error: string };
  /** The identity provider does not let this client use a grant (`unauthorized_client`). */
  'grant-refused': EventBase & { grant: string };
  /**
   * The identity provider did not answer, or nothing usable. `address` is where it was asked; `reason` holds names and codes, and
   * what a claim of an ID token should have been.
   */
  'provider-failed': EventBase & { reason: string; address?: string };
  /** The identity provider answered about another subject than the one asked for. */
  'subject-mismatch': EventBase & { subject: string };
  /** Broker mode: the ID token of a refresh is of another issuer, or for another client, than that of the login. */
  'id-token-mismatch': EventBase & { subject: string; reason: string };
  /** Broker mode: a logout token did not hold. `reason` names what was wrong with it. */
  'logout-token-refused': EventBase & { reason: string };
}

export type OidcEventName = keyof OidcEventMap;

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

/** The form in which an id may appear in an event: 16 hexadecimal digits of its SHA-256. */
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

  constructor(clock: Clock) {
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
      const admitted = this.#limiter.admit(line, line);
      if (admitted !== undefined) this.#logger.error(admitted, stack);
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
    this.#emitter.emit(name, event);
    const advice = ALARMS[name];
    if (advice === undefined) return;
    if (ONCE.has(name)) this.#logOnce(name, event, advice);
    else this.#log(name, event, advice);
  }

  #logOnce(name: OidcEventName, event: object, advice: string): void {
    const line = lineOf(name, event, advice);
    if (this.#told.has(line) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(line);
    this.#logger[LEVELS[name] ?? 'warn'](line);
  }

  #log(name: OidcEventName, event: object, advice: string): void {
    const line = lineOf(name, event, advice);
    const admitted = this.#limiter.admit(`${name} ${kindOf(event)}`, line);
    if (admitted !== undefined) this.#logger[LEVELS[name] ?? 'warn'](admitted);
  }
}

/** What tells alarms of one name apart: not whom they are about. */
function kindOf(
  event: Partial<Record<'reason' | 'error' | 'issuer' | 'what' | 'change', unknown>>,
): string {
  const { reason, error, issuer, what, change } = event;
  return JSON.stringify([reason, error, issuer, what, change]);
}
