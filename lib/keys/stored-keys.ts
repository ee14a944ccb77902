import type { Clock } from '../clock/clock.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { LONGEST_TOKEN_LIFETIME_SEC } from '../options/token-lifetime.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { RowSealer } from '../sealing/key-ring.js';
import type { StoredSigningKey } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import { isOver } from './key-schedule.js';
import type { KeyState } from './key-state.js';
import { OpenedKeys } from './opened-keys.js';

const SKEW_SEC = 60;

/** What {@link StoredKeys} are made of. */
export interface StoredKeysSettings {
  readonly options: Pick<ResolvedOptions, 'clockToleranceSec'>;
  readonly broker: Pick<ResolvedBrokerOptions, 'accessTokenLifetimeSec'>;
  readonly clock: Clock;
  readonly store: StoreAccess;
  readonly events: OidcEvents;
  readonly sealer: RowSealer;
}

/** The signing keys in the store, as they were read last. */
export class StoredKeys {
  readonly opened: OpenedKeys;
  /** Ids of keys that were retired here, whatever a reading that began before it shows. */
  readonly #retired = new Set<string>();
  #state: KeyState | undefined;
  #reading: Promise<KeyState> | undefined;
  #nextReading: Promise<KeyState> | undefined;

  constructor(private readonly settings: StoredKeysSettings) {
    this.opened = new OpenedKeys(settings.sealer);
  }

  /** `undefined` while nothing was read. */
  get state(): KeyState | undefined {
    return this.#state;
  }

  /** Whether a reading is to begin, which whoever asks for one now shares. */
  get readingIsDue(): boolean {
    return this.#nextReading !== undefined;
  }

  /** What was read last, however old; reads first where nothing was. @throws {@link OAuthError} 503 */
  async known(): Promise<KeyState> {
    return this.#state ?? this.read();
  }

  /** Joins a reading under way. @throws {@link OAuthError} 503 */
  read(): Promise<KeyState> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** What is in the store now: a reading under way may have begun before what it must show. @throws {@link OAuthError} 503 */
  readAfresh(): Promise<KeyState> {
    const before = this.#reading?.catch(() => undefined) ?? Promise.resolve();
    this.#nextReading ??= before.then(() => {
      this.#nextReading = undefined;
      return this.read();
    });
    return this.#nextReading;
  }

  /** A key that was retired counts as such from now on, also when the store cannot be read. */
  async retired(kid: string): Promise<void> {
    this.#retired.add(kid);
    if (this.#state !== undefined) this.#state = await this.#stateOf(this.#state.stored);
  }

  /** The rows that nobody needs any more. */
  over(stored: readonly StoredSigningKey[]): StoredSigningKey[] {
    const now = this.settings.clock.now();
    return stored.filter((key) => isOver(key, stored, now, this.#longestUseMs(key)));
  }

  async #readNow(): Promise<KeyState> {
    const { store } = this.settings;
    const listed = await store.ask((rows) => rows.listSigningKeys(), { repeat: true });
    this.#state = await this.#stateOf(listed);
    return this.#state;
  }

  async #stateOf(listed: readonly StoredSigningKey[]): Promise<KeyState> {
    const { clock, events } = this.settings;
    const now = clock.now();
    const stored = listed
      .map((key) => (this.#retired.has(key.kid) ? retiredAt(key, now) : key))
      .toSorted((one, other) => one.sequence - other.sequence);
    const alive = stored.filter((key) => key.retiredAt === undefined);
    const opened = await this.opened.open(alive);
    const over = new Set(this.over(stored).map(({ sequence }) => sequence));
    const needed = alive.filter(({ sequence }) => !over.has(sequence));
    const locked = needed.filter((key) => this.opened.of(key) === undefined);
    if (locked.length > 0) {
      events.emit('undecryptable', { provider: DEFAULT_PROVIDER, what: 'signing-key' });
    }
    return {
      keys: opened.filter(({ sequence }) => !over.has(sequence)),
      stored,
      locked: new Set(locked.map(({ kid }) => kid)),
    };
  }

  /** How long after its last signature a token of a key may still be presented; where it cannot be known, as long as any. */
  #longestUseMs(stored: StoredSigningKey): number {
    const { options, broker } = this.settings;
    const key = this.opened.of(stored);
    const lifetimeSec =
      key === undefined && stored.retiredAt === undefined
        ? LONGEST_TOKEN_LIFETIME_SEC
        : (key?.tokenLifetimeSec ?? broker.accessTokenLifetimeSec);
    return (lifetimeSec + options.clockToleranceSec + SKEW_SEC) * 1000;
  }
}

function retiredAt(key: StoredSigningKey, now: Date): StoredSigningKey {
  return { ...key, retiredAt: key.retiredAt ?? now };
}
