import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcEvents } from '../events/oidc-events.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { DEFAULT_PROVIDER, type ResolvedOptions } from '../options/resolve-options.js';
import { KeyRing } from '../sealing/key-ring.js';
import type { RowSealer } from '../sealing/key-ring.js';
import type { StoredSigningKey } from '../store/broker-store.js';
import { StoreAccess } from '../store/store-access.js';
import type { VerificationKey, VerificationKeys } from '../tokens/verification-keys.js';
import {
  bySigning,
  isOver,
  newestSigning,
  nextSequence,
  nextSignsFrom,
  rowOf,
} from './key-schedule.js';
import {
  type PublishedKey,
  type SigningKey,
  newSigningKey,
  openSigningKey,
} from './signing-key.js';

const SKEW_SEC = 60;

function notReadable(cause?: unknown): OAuthError {
  const text = 'The signing keys cannot be read at the moment';
  return new OAuthError('temporarily_unavailable', text, { cause });
}

/** Keys as they were read last. */
interface KeyState {
  /** By sequence; retired ones are not in it. */
  readonly keys: readonly SigningKey[];
  readonly stored: readonly StoredSigningKey[];
  /** Ids of keys that are there, but cannot be decrypted. */
  readonly locked: ReadonlySet<string>;
}

/**
 * The keys of minted tokens: in the store, shared by all instances, made once however many start at once, rotated
 * on a schedule. A next key is published before it signs, an old one until the last token that it signed has expired.
 */
@Injectable()
export class SigningKeys implements VerificationKeys {
  readonly #sealer: RowSealer;
  /** By {@link rowOf}. */
  readonly #opened = new Map<string, SigningKey>();
  #state: KeyState | undefined;
  #reading: Promise<KeyState> | undefined;
  #signing: string | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(Clock) private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly events: OidcEvents,
    keyRing: KeyRing,
  ) {
    this.#sealer = keyRing.rowSealer('signing key');
  }

  /**
   * The key that signs now.
   *
   * @throws {@link OAuthError} 503 while the keys were never read, or cannot be decrypted.
   */
  async current(): Promise<SigningKey> {
    const state = await this.#known();
    const now = this.clock.now();
    const newest = newestSigning(state.stored, now);
    const key = state.keys.find(({ sequence }) => sequence === newest?.sequence);
    if (key === undefined) throw notReadable('a key that "encryptionKeys" does not decrypt');
    if (this.#signing !== key.kid) this.#announce(key.kid, 'signs');
    this.#signing = key.kid;
    return key;
  }

  /** What the JWKS route answers. @throws {@link OAuthError} 503 while the keys were never read. */
  async published(): Promise<readonly PublishedKey[]> {
    const state = await this.#known();
    if (state.keys.length === 0) throw notReadable('no key that "encryptionKeys" decrypts');
    return state.keys.map(({ published }) => published);
  }

  async candidates(header: {
    alg: string;
    kid: string | undefined;
  }): Promise<readonly VerificationKey[]> {
    const key = await this.find(header);
    return key === undefined ? [] : [key];
  }

  async find({
    alg,
    kid,
  }: {
    alg: string;
    kid: string | undefined;
  }): Promise<VerificationKey | undefined> {
    const state = await this.#known();
    const key = state.keys.find((one) => one.kid === kid);
    if (key !== undefined) {
      return key.algorithm === alg ? { kid, key: key.publicKey, source: key } : undefined;
    }
    if (kid !== undefined && state.locked.has(kid)) throw notReadable('a locked key');
    return undefined;
  }

  holds({ source }: VerificationKey): boolean {
    return this.#state?.keys.some((key) => key === source) ?? false;
  }

  /**
   * Reads the keys anew, makes the first one or the next one when it is time, and removes those that nothing needs any
   * more. @throws {@link OAuthError} 503 when the store cannot be asked.
   */
  async refresh(): Promise<void> {
    await this.#read();
  }

  /**
   * Retires a key in an emergency: another one signs from now on, and every token of the retired one is refused, here at
   * once and on the other instances at their next pull.
   *
   * @param kid of the key; default: the one that signs now.
   * @returns whether there was such a key.
   */
  async retire(kid?: string): Promise<boolean> {
    const { stored } = await this.#readAfresh();
    const now = this.clock.now();
    const signing = newestSigning(stored, now);
    const target = kid === undefined ? signing : stored.find((key) => key.kid === kid);
    if (target === undefined || target.retiredAt !== undefined) return false;
    if (target.sequence === signing?.sequence) await this.#make(nextSequence(stored), now, now);
    await this.store.ask((store) => store.retireSigningKey(target.sequence, now), { repeat: true });
    this.#announce(target.kid, 'retired');
    await this.#readAfresh();
    return true;
  }

  /** What was read last, however old; reads first where nothing was. */
  async #known(): Promise<KeyState> {
    return this.#state ?? this.#read();
  }

  /** What is in the store now: a reading under way may have begun before what it must show. */
  async #readAfresh(): Promise<KeyState> {
    await this.#reading?.catch(() => undefined);
    return this.#read();
  }

  #read(): Promise<KeyState> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<KeyState> {
    let stored = await this.#list();
    const now = this.clock.now();
    if (newestSigning(stored, now) === undefined) {
      await this.#make(nextSequence(stored), now, now);
      stored = await this.#list();
    } else if (await this.#makeNext(stored, now)) {
      stored = await this.#list();
    }
    const over = stored.filter((key) => isOver(key, stored, now, this.#longestUseMs));
    await this.#remove(over);
    const wanted = stored.filter((key) => key.retiredAt === undefined && !over.includes(key));
    this.#state = await this.#open(wanted);
    return this.#state;
  }

  async #list(): Promise<StoredSigningKey[]> {
    const keys = await this.store.ask((store) => store.listSigningKeys(), { repeat: true });
    return keys.toSorted((one, other) => one.sequence - other.sequence);
  }

  /** Whoever inserts a sequence number first has made that key; everybody then reads it. */
  async #make(sequence: number, createdAt: Date, signsFrom: Date): Promise<void> {
    const { signingAlgorithm: algorithm } = this.#broker;
    const key = await newSigningKey({ sequence, algorithm, createdAt, signsFrom }, this.#sealer);
    const made = await this.store.ask((store) => store.insertSigningKey(key), { repeat: true });
    if (made) this.#announce(key.kid, 'created');
  }

  /** Makes the key that follows the newest one, when its time comes near or the algorithm was changed. */
  async #makeNext(stored: readonly StoredSigningKey[], now: Date): Promise<boolean> {
    const alive = stored.filter(({ retiredAt }) => retiredAt === undefined);
    const newest = alive.toSorted(bySigning).at(-1);
    if (newest === undefined || newest.signsFrom > now) return false; // the next one is there
    // Who cannot open the newest one would make a next one that the others cannot open.
    if ((this.#opened.get(rowOf(newest)) ?? (await this.#openOne(newest))) === undefined)
      return false;
    const signsFrom = nextSignsFrom(newest, this.#broker, now);
    if (signsFrom === undefined) return false;
    await this.#make(nextSequence(stored), now, signsFrom);
    return true;
  }

  async #remove(keys: readonly StoredSigningKey[]): Promise<void> {
    for (const { sequence } of keys) {
      await this.store.ask((store) => store.deleteSigningKey(sequence), { repeat: true });
    }
  }

  /** Keys that stay keep their identity, and with it what was verified with them. */
  async #open(stored: readonly StoredSigningKey[]): Promise<KeyState> {
    const keys: SigningKey[] = [];
    const locked = new Set<string>();
    for (const one of stored) {
      const key = this.#opened.get(rowOf(one)) ?? (await this.#openOne(one));
      if (key === undefined) locked.add(one.kid);
      else keys.push(key);
    }
    const rows = new Set(stored.map(rowOf));
    for (const row of this.#opened.keys()) if (!rows.has(row)) this.#opened.delete(row);
    if (locked.size > 0) {
      this.events.emit('undecryptable', { provider: DEFAULT_PROVIDER, what: 'signing-key' });
    }
    return { keys, stored, locked };
  }

  async #openOne(stored: StoredSigningKey): Promise<SigningKey | undefined> {
    const held = [...this.#opened.values()];
    const opened = await openSigningKey(stored, this.#sealer);
    if (opened === undefined) {
      // An instance with a newer "encryptionKeys" has encrypted it anew; it is still the key that was opened before.
      const same = held.find(
        ({ kid, sequence }) => kid === stored.kid && sequence === stored.sequence,
      );
      if (same !== undefined) this.#opened.set(rowOf(stored), same);
      return same;
    }
    const { key, resealed } = opened;
    const known = held.find(({ kid }) => kid === key.kid) ?? key;
    this.#opened.set(rowOf(stored), known);
    if (resealed === undefined) return known;
    const replaced = await this.store.ask(
      (store) =>
        store.resealSigningKey(stored.sequence, { expected: stored.sealed, next: resealed }),
      { repeat: true },
    );
    if (replaced) this.#opened.set(rowOf({ ...stored, sealed: resealed }), known);
    return known;
  }

  /** How long after its last signature a token of a key may still be presented. */
  get #longestUseMs(): number {
    const { accessTokenLifetimeSec } = this.#broker;
    return (accessTokenLifetimeSec + this.options.clockToleranceSec + SKEW_SEC) * 1000;
  }

  get #broker(): ResolvedBrokerOptions {
    if (this.options.broker === undefined) throw new TypeError('Broker mode is off');
    return this.options.broker;
  }

  #announce(kid: string, change: 'created' | 'signs' | 'retired'): void {
    this.events.emit('signing-key', { provider: DEFAULT_PROVIDER, kid, change });
  }
}
