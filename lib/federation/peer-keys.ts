import type { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import { printable } from '../errors/printable.js';
import { OAuthError } from '../errors/oauth.error.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { fetchKeySet } from '../http/fetch-key-set.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import { type KeySource, RemoteKeySet, type SourceState } from '../http/remote-key-set.js';
import type { UsableKey } from '../http/usable-keys.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { KeyHeader, VerificationKey, VerificationKeys } from '../tokens/verification-keys.js';
import type { KeptKeySets } from './kept-key-sets.js';

/** Where a trusted issuer's keys come from and where they are kept. */
export interface PeerKeysSettings {
  readonly issuer: string;
  /** Asked before each fetch: the host sets its global prefix late. */
  readonly addresses: () => readonly string[];
  readonly options: ResolvedOptions;
  readonly http: GuardedFetch;
  readonly clock: Clock;
  readonly events: OidcEvents;
  readonly kept: KeptKeySets;
  readonly onLoad: (keys: readonly UsableKey[]) => void;
}

/** The keys of one trusted issuer. Whatever is wrong with their source means 503, and for its tokens alone. */
export class PeerKeys implements VerificationKeys, KeySource {
  readonly #settings: PeerKeysSettings;
  readonly #keys: RemoteKeySet;
  #lastAddress: string | undefined;

  constructor(settings: PeerKeysSettings) {
    this.#settings = settings;
    const { issuer, options, clock, events, kept } = settings;
    const peer = { provider: DEFAULT_PROVIDER, issuer: printable(issuer) };
    this.#keys = new RemoteKeySet({
      load: () => this.#load(),
      kept: () => kept.find(issuer),
      clock,
      staleSec: options.jwksStaleSec,
      cooldownSec: options.jwksCooldownSec,
      onChange: (change) => events.emit('peer-keys-changed', { ...peer, ...change }),
      onStale: (ageMs) =>
        events.emit('stale-peer-keys-served', { ...peer, ageSec: Math.round(ageMs / 1000) }),
      onFailure: (error) => events.emit('peer-failed', { ...peer, reason: describeError(error) }),
    });
  }

  /** @throws {@link OAuthError} 503 `temporarily_unavailable` */
  async candidates(header: KeyHeader): Promise<readonly VerificationKey[]> {
    try {
      return await this.#keys.candidates(header);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const text = 'The issuer of the access token cannot be reached at the moment';
      throw new OAuthError('temporarily_unavailable', text, { cause: error });
    }
  }

  holds(key: VerificationKey): boolean {
    return this.#keys.holds(key);
  }

  get state(): SourceState {
    return this.#keys.state;
  }

  look(maxAgeMs: number): Promise<void> {
    return this.#keys.look(maxAgeMs);
  }

  /** Asks the address that answered last time first; when it fails, the next attempt looks at all of them again. */
  async #load(): Promise<readonly UsableKey[]> {
    const { addresses, http, onLoad } = this.#settings;
    const last = this.#lastAddress;
    this.#lastAddress = undefined;
    const all = addresses();
    const ordered = [...all.filter((one) => one === last), ...all.filter((one) => one !== last)];
    const { keys, address } = await fetchKeySet(http, ordered);
    this.#lastAddress = address;
    onLoad(keys);
    return keys;
  }
}
