import type { CryptoKey, KeyObject } from 'jose';
import type { Clock } from '../clock/clock.js';
import { printable } from '../errors/printable.js';
import { OAuthError, badUpstreamAnswer, unavailable } from '../errors/oauth.error.js';
import { CachedDocument, type KeptCopy } from './cached-document.js';
import type { UsableKey } from './usable-keys.js';

const FRESH_MS = 5 * 60_000;
/** So many different keys of one id and kind are tried with a token. */
const MOST_OF_ONE_ID = 4;

/** What a {@link RemoteKeySet} is made of. */
export interface RemoteKeySetSettings {
  /** Fetches the keys. */
  load: () => Promise<readonly UsableKey[]>;
  /** Keys that were fetched before this process began, for a source that does not answer. */
  kept?: () => Promise<KeptCopy<readonly UsableKey[]> | undefined>;
  clock: Clock;
  staleSec: number;
  cooldownSec: number;
  onChange?: (change: { added: string[]; removed: string[] }) => void;
  onStale?: (ageMs: number) => void;
  onFailure?: (error: unknown) => void;
}

/** What a token's header says of its key. */
interface KeyHeader {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** A key chosen for a token, with the entry of the set that it came from. */
export interface SelectedKey {
  readonly kid: string | undefined;
  readonly key: CryptoKey | KeyObject;
  readonly source: UsableKey;
}

/** What is known of a source of keys. */
export interface SourceState {
  /** Whether there are keys to verify with. */
  readonly known: boolean;
  /** Whether it did not answer when it was last asked, or with nothing usable. */
  readonly failing: boolean;
  /** Age of the keys in seconds; absent where there are none. */
  readonly ageSec?: number;
}

/** From where keys come. */
export interface KeySource {
  /** What is known of it now; asks nobody. */
  readonly state: SourceState;
  /** Has keys that are older than that renewed, as far as the back-off after failures allows. Never throws. */
  look(maxAgeMs: number): Promise<void>;
}

/**
 * The published keys of one issuer. Renewed in the background every five minutes of use, and on an unknown key id at
 * most once a cool-down; known keys go on serving while their source is down.
 */
export class RemoteKeySet implements KeySource {
  readonly #settings: RemoteKeySetSettings;
  readonly #document: CachedDocument<readonly UsableKey[]>;

  constructor(settings: RemoteKeySetSettings) {
    this.#settings = settings;
    this.#document = new CachedDocument({
      load: () =>
        this.#load().catch((error: unknown) => {
          settings.onFailure?.(error);
          throw error instanceof OAuthError ? error : badUpstreamAnswer(error);
        }),
      clock: settings.clock,
      freshMs: FRESH_MS,
      usableMs: Math.max(settings.staleSec * 1000, FRESH_MS),
      cooldownMs: settings.cooldownSec * 1000,
      ...(settings.onStale === undefined ? {} : { onStale: settings.onStale }),
      ...(settings.kept === undefined ? {} : { kept: settings.kept }),
    });
  }

  get state(): SourceState {
    const { ageMs, failing } = this.#document;
    const known = this.#document.peek() !== undefined;
    return known
      ? { known, failing, ageSec: Math.round(ageMs / 1000) }
      : { known, failing: failing || ageMs < Infinity };
  }

  look(maxAgeMs: number): Promise<void> {
    return this.#document.look(maxAgeMs);
  }

  /** Makes sure that there are keys. @throws {@link OAuthError} 502 or 503 when none can be had. */
  async prepare(): Promise<void> {
    await this.#document.read();
  }

  /**
   * The keys that a token's header selects: by `kid` and by what fits the algorithm, or without `kid` the only one that
   * fits. Without a promise where they are at hand.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` when no set could be read, or the key is unknown and
   * the set could not be renewed.
   */
  candidates(header: KeyHeader): readonly SelectedKey[] | Promise<readonly SelectedKey[]> {
    const { fresh } = this.#document;
    const selected = fresh && select(fresh, header);
    const [only, another] = selected ?? [];
    const key = another === undefined ? only?.imported(header.alg) : undefined;
    return only === undefined || key === undefined
      ? this.#find(header)
      : [{ kid: only.kid, key, source: only }];
  }

  async #find(header: KeyHeader): Promise<readonly SelectedKey[]> {
    const keys = await this.#document.read();
    const known = select(keys, header);
    if (known.length > 0) return imported(known, header.alg);
    // A key that is there but does not fit will not fit after another fetch.
    if (header.kid !== undefined && keys.some((key) => key.kid === header.kid)) return [];
    const renewed = select((await this.#document.renew()) ?? [], header);
    if (renewed.length > 0) return imported(renewed, header.alg);
    if (this.#document.failing) throw unavailable('key set could not be renewed');
    return [];
  }

  /** Whether a key that was found earlier is still published, as far as is known. */
  holds({ source }: { readonly source: object }): boolean {
    const { fresh } = this.#document;
    if (fresh !== undefined) return fresh.some((key) => key === source);
    if (this.#document.overdue) return false; // what it verified is verified anew, after a look at the source
    this.#document.read().catch(() => undefined); // old sets are renewed while they are used
    return this.#document.peek()?.some((key) => key === source) ?? false;
  }

  async #load(): Promise<readonly UsableKey[]> {
    const loaded = await this.#settings.load();
    const before = this.#document.peek() ?? [];
    // Keys that stay keep their identity, and with it what was verified with them.
    const keys = loaded.map((key) => before.find((one) => one.material === key.material) ?? key);
    if (before.length > 0) this.#reportChange(before, keys);
    return keys;
  }

  #reportChange(before: readonly UsableKey[], keys: readonly UsableKey[]): void {
    const added = keys.filter((key) => !before.includes(key));
    const removed = before.filter((key) => !keys.includes(key));
    if (added.length + removed.length === 0) return;
    this.#settings.onChange?.({ added: namesOf(added), removed: namesOf(removed) });
  }
}

function namesOf(keys: readonly UsableKey[]): string[] {
  return keys.map((key) => printable(key.kid ?? '(no kid)'));
}

function select(keys: readonly UsableKey[], { alg, kid }: KeyHeader): readonly UsableKey[] {
  const fitting = keys.filter((key) => (kid === undefined || key.kid === kid) && key.fits(alg));
  const different = [...new Map(fitting.map((key) => [key.numbers, key])).values()];
  const most = kid === undefined ? 1 : MOST_OF_ONE_ID;
  return different.length <= most ? different : [];
}

/** What turns out to be no key at all is left out. */
async function imported(sources: readonly UsableKey[], alg: string): Promise<SelectedKey[]> {
  const keys = await Promise.all(
    sources.map(async (source) => {
      const key = await source.for(alg);
      return key === undefined ? [] : [{ kid: source.kid, key, source }];
    }),
  );
  return keys.flat();
}
