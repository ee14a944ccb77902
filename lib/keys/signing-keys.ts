import { BackOff } from '../clock/back-off.js';
import type { Clock } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { USUAL_TOKEN_LIFETIME_SEC, LONGEST_TOKEN_LIFETIME_SEC } from '../options/token-lifetime.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { KeyRing } from '../sealing/key-ring.js';
import type { StoredSigningKey } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import type { KeyHeader, VerificationKey, VerificationKeys } from '../tokens/verification-keys.js';
import { KeyMaker } from './key-maker.js';
import { newestSigning, nextSequence, signsFromOfNext } from './key-schedule.js';
import { type KeyState, isIn, longestLifetimeSec, notReadable, select } from './key-state.js';
import type { PublishedKey, SigningKey } from './signing-key.js';
import { StoredKeys } from './stored-keys.js';
import { UnknownKeyIds } from './unknown-key-ids.js';

/** What is retired in an emergency waits no longer for the key that takes over. */
const MAKING_PATIENCE_MS = 3000;
const RETRY = { firstMs: 1000, longestMs: 60_000 };

/** A store that cannot be asked was reported there. */
async function bestEffort(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
  }
}

/**
 * The keys of minted tokens: in the store, shared by all instances, made once however many start at once, rotated
 * on a schedule. A next key is published before it signs, an old one until the last token that it signed has expired.
 *
 * What was read counts before anything else is done: that a key cannot be made, removed or encrypted anew keeps no other
 * one from being retired, found or published.
 */
export class SigningKeys implements VerificationKeys {
  readonly #rows: StoredKeys;
  readonly #maker: KeyMaker;
  readonly #unknown = new UnknownKeyIds();
  readonly #retries: Record<'making' | 'removing' | 'resealing', BackOff>;
  #making: Promise<void> | undefined;
  #tidying: Promise<void> | undefined;
  #signing: string | undefined;

  constructor(
    options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly events: OidcEvents,
    keyRing: KeyRing,
  ) {
    const sealer = keyRing.rowSealer('signing key');
    this.#rows = new StoredKeys({ options, broker, clock, store, events, sealer });
    this.#maker = new KeyMaker(store, sealer);
    const retry = () => new BackOff(clock, RETRY);
    this.#retries = { making: retry(), removing: retry(), resealing: retry() };
  }

  /**
   * The key that signs now.
   *
   * @throws {@link OAuthError} 503 while the keys were never read, or cannot be decrypted.
   */
  async current(): Promise<SigningKey> {
    const { stored, keys } = await this.#usable();
    const newest = newestSigning(stored, this.clock.now());
    const key = keys.find(({ sequence }) => sequence === newest?.sequence);
    if (key === undefined) throw notReadable('a key that "encryptionKeys" does not decrypt');
    if (this.#signing !== key.kid) this.#announce(key.kid, 'signs');
    this.#signing = key.kid;
    return key;
  }

  /** What the JWKS route answers. @throws {@link OAuthError} 503 while the keys were never read. */
  async published(): Promise<readonly PublishedKey[]> {
    const { keys } = await this.#usable();
    if (keys.length === 0) throw notReadable('no key that "encryptionKeys" decrypts');
    return keys.map(({ published }) => published);
  }

  /** Makes sure that the keys were read once. @throws {@link OAuthError} 503 when the store cannot be asked. */
  async ready(): Promise<void> {
    await this.#rows.known();
  }

  /**
   * The longest time that any token of ours may live, in seconds, whatever the options of the instance that signs it say: each
   * key knows what is allowed to its tokens.
   */
  get longestTokenLifetimeSec(): number {
    const { state } = this.#rows;
    if (state === undefined) return LONGEST_TOKEN_LIFETIME_SEC;
    return Math.max(this.broker.accessTokenLifetimeSec, longestLifetimeSec(state));
  }

  async candidates(header: KeyHeader): Promise<readonly VerificationKey[]> {
    const key = await this.find(header);
    return key === undefined ? [] : [key];
  }

  /**
   * A key that is not known may have been made a moment ago, so the store is looked at for it, a few times between two
   * regular readings at most.
   *
   * @throws {@link OAuthError} 503 while it cannot be told whether there is such a key.
   */
  async find(header: KeyHeader): Promise<VerificationKey | undefined> {
    const { kid } = header;
    const state = await this.#rows.known();
    if (kid === undefined || isIn(state, kid)) return select(state, header);
    const todo = this.#unknown.ask(kid, this.#rows);
    if (todo === 'refuse') return undefined;
    if (todo === 'wait') throw notReadable('a key that is not known yet');
    const read = await this.#rows.readAfresh();
    if (!isIn(read, kid)) this.#unknown.refuse(kid);
    return select(read, header);
  }

  holds({ source }: VerificationKey): boolean {
    return this.#rows.state?.keys.some((key) => key === source) ?? false;
  }

  /** Reads the keys anew, and then tidies up. @throws {@link OAuthError} 503 when the store cannot be asked. */
  async refresh(): Promise<void> {
    await this.look();
    await this.tidyUp();
  }

  /** How many keys that are needed "encryptionKeys" does not decrypt, as far as they were read. */
  get unreadable(): number {
    return this.#rows.state?.locked.size ?? 0;
  }

  /** Reads the keys anew. @throws {@link OAuthError} 503 when the store cannot be asked. */
  async look(): Promise<void> {
    this.#unknown.allowLooks();
    await this.#rows.read();
  }

  /**
   * Makes the first key, or the next one when it is time; removes keys that nothing needs any more; encrypts anew what an older
   * key of the ring has encrypted. As far as the store lets it: what failed is tried again, each time later.
   */
  async tidyUp(): Promise<void> {
    await this.#tidying?.catch(() => undefined);
    this.#tidying ??= this.#tidyNow().finally(() => (this.#tidying = undefined));
    await this.#tidying;
  }

  /**
   * Retires a key in an emergency: another one signs from now on, and every token of the retired one is refused, here at
   * once and on the other instances at their next pull.
   *
   * @param kid of the key; default: the one that signs now.
   * @returns whether there was such a key.
   * @throws {@link OAuthError} 503 when the store cannot be asked.
   */
  async retire(kid?: string): Promise<boolean> {
    const state = await this.#rows.readAfresh();
    const now = this.clock.now();
    const signing = newestSigning(state.stored, now);
    const target = kid === undefined ? signing : state.stored.find((key) => key.kid === kid);
    if (target === undefined || target.retiredAt !== undefined) return false;
    this.#maker.forget();
    if (target.sequence === signing?.sequence) {
      // The other instances do not know it yet, and count on the lifetimes of those that they know.
      const lifetimeSec = Math.min(this.#allowedLifetimeSec, longestLifetimeSec(state));
      const making = bestEffort(this.#make(state.stored, now, lifetimeSec));
      await this.clock.atMost(MAKING_PATIENCE_MS, making);
    }
    await this.store.ask((store) => store.retireSigningKey(target.sequence, now), { repeat: true });
    await this.#rows.retired(target.kid);
    this.#announce(target.kid, 'retired');
    await bestEffort(this.#rows.readAfresh());
    return true;
  }

  /** What was read last, with a key that signs. @throws {@link OAuthError} 503 when there is none and none can be made. */
  async #usable(): Promise<KeyState> {
    const isFirst = this.#rows.state === undefined;
    const { stored } = await this.#rows.known();
    if (newestSigning(stored, this.clock.now()) === undefined) await this.#makeDue();
    else if (isFirst) await bestEffort(this.#makeDue());
    return this.#rows.known();
  }

  /** One key at a time, however many requests want it. */
  #makeDue(): Promise<void> {
    this.#making ??= this.#makeNow().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #makeNow(): Promise<void> {
    const { stored } = await this.#rows.known();
    const opened = (key: StoredSigningKey) => this.#rows.opened.of(key);
    const signsFrom = signsFromOfNext(stored, opened, this.broker, this.clock.now());
    if (signsFrom === undefined) return;
    const lifetimeSec = this.#allowedLifetimeSec;
    await this.#retries.making.run(() => this.#make(stored, signsFrom, lifetimeSec));
    await this.#rows.readAfresh();
  }

  async #make(
    stored: readonly StoredSigningKey[],
    signsFrom: Date,
    tokenLifetimeSec: number,
  ): Promise<void> {
    const { signingAlgorithm: algorithm } = this.broker;
    const wish = { sequence: nextSequence(stored), algorithm, tokenLifetimeSec };
    const kid = await this.#maker.make(wish, { createdAt: this.clock.now(), signsFrom });
    if (kid !== undefined) this.#announce(kid, 'created');
  }

  async #tidyNow(): Promise<void> {
    const { removing, resealing } = this.#retries;
    await bestEffort(this.#makeDue());
    await bestEffort(removing.run(() => this.#removeOver()));
    await bestEffort(resealing.run(() => this.#rows.opened.reseal(this.store)));
  }

  async #removeOver(): Promise<void> {
    for (const { sequence, kid } of this.#rows.over((await this.#rows.known()).stored)) {
      await this.store.ask((store) => store.deleteSigningKey(sequence, kid), { repeat: true });
    }
  }

  /** What a new key allows its tokens. Never less than the default, so that lower values may be raised to it at once. */
  get #allowedLifetimeSec(): number {
    return Math.max(this.broker.accessTokenLifetimeSec, USUAL_TOKEN_LIFETIME_SEC);
  }

  #announce(kid: string, change: 'created' | 'signs' | 'retired'): void {
    this.events.emit('signing-key', { provider: DEFAULT_PROVIDER, kid, change });
  }
}
