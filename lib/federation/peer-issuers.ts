import type { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import { printable } from '../errors/printable.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import type { UsableKey } from '../http/usable-keys.js';
import type { TrustedIssuers } from '../options/broker-options.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type ResolvedTrustedIssuer, resolveTrustedIssuers } from '../options/trusted-issuer.js';
import type { KeyRing } from '../sealing/key-ring.js';
import type { StoreAccess } from '../store/store-access.js';
import type { TokenIssuer } from '../tokens/verification-keys.js';
import { KeptKeySets } from './kept-key-sets.js';
import { PeerKeys } from './peer-keys.js';
import { removeOwnClaims, restrictClaims } from '../tokens/restrict-claims.js';

/** One trusted issuer, as long as its entry stays as it is. */
interface Peer {
  readonly entry: ResolvedTrustedIssuer;
  /** The entry as text, to see whether it changed. */
  readonly written: string;
  readonly keys: PeerKeys;
  readonly issuer: TokenIssuer;
}

type Peers = ReadonlyMap<string, Peer>;

const NO_PEERS: Peers = new Map();

/**
 * The instances whose tokens are accepted here, each with keys of its own. A list that stands in the options counts from
 * the beginning; a function is asked by {@link refresh}, and what it gave last stays in force while it fails.
 */
export class PeerIssuers {
  readonly #kept: KeptKeySets;
  /** `undefined` until a function has given its first list. */
  #peers: Peers | undefined;
  /** The list whose strangers were deleted from the store. */
  #swept: Peers | undefined;
  #sweeping = false;
  #reading: Promise<void> | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly http: GuardedFetch,
    private readonly clock: Clock,
    private readonly events: OidcEvents,
    private readonly store: StoreAccess,
    private readonly urls: PublicUrls,
    keyRing: KeyRing,
  ) {
    this.#kept = new KeptKeySets(this.store, clock, keyRing);
    const { trustedIssuers } = broker;
    if (typeof trustedIssuers !== 'function') this.#peers = this.#peersOf(trustedIssuers);
  }

  /**
   * The trusted issuer of exactly that name; asks nobody.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` while a function has given no list yet: a 401 would make clients
   * throw away tokens that are good.
   */
  named(iss: string): TokenIssuer | undefined {
    if (this.#peers !== undefined) return this.#peers.get(iss)?.issuer;
    const text = 'The trusted issuers are not known yet';
    throw new OAuthError('temporarily_unavailable', text, { cause: 'broker.trustedIssuers' });
  }

  /** The names of the trusted issuers that are known now. */
  names(): string[] {
    return [...(this.#peers?.keys() ?? [])];
  }

  /** The trusted issuers that are known now, with their keys. */
  sources(): readonly (readonly [string, PeerKeys])[] {
    return [...(this.#peers ?? NO_PEERS)].map(([issuer, { keys }]) => [issuer, keys]);
  }

  /** Whether it is trusted, as far as is known now. */
  lists(iss: string): boolean {
    return this.#peers?.has(iss) ?? false;
  }

  /**
   * Asks the function of `broker.trustedIssuers` again, if it is one; issuers that are gone are refused from then on. Their
   * key sets are deleted from the store in the background. Calls at the same time share one question.
   */
  async refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await this.#reading;
    void this.#sweep();
  }

  async #read(): Promise<void> {
    const { trustedIssuers: give } = this.broker;
    if (typeof give !== 'function') return;
    try {
      const list = await this.clock.within(this.options.timeoutMs, Promise.resolve().then(give));
      this.#peers = this.#peersOf(list);
    } catch (error) {
      const reason =
        error instanceof OidcConfigError ? printable(error.message) : describeError(error);
      this.events.emit('trusted-issuers-failed', { provider: DEFAULT_PROVIDER, reason });
    }
  }

  /** Entries that did not change stay the same peer, so that nothing is forgotten or fetched again. */
  #peersOf(list: Exclude<TrustedIssuers, () => unknown>): Peers {
    const { allowInsecureHttp } = this.options;
    const entries = resolveTrustedIssuers(list, {
      ownIssuer: this.broker.issuer,
      allowInsecureHttp,
    });
    const before = this.#peers ?? NO_PEERS;
    const peers = entries.map((entry) => this.#peerOf(entry, before.get(entry.issuer)));
    const same =
      peers.length === before.size && peers.every((peer) => before.get(peer.entry.issuer) === peer);
    return same ? before : new Map(peers.map((peer) => [peer.entry.issuer, peer]));
  }

  #peerOf(entry: ResolvedTrustedIssuer, before: Peer | undefined): Peer {
    const written = JSON.stringify(entry);
    if (before?.written === written) return before;
    const keys = before?.entry.jwksUri === entry.jwksUri ? before?.keys : undefined;
    return this.#newPeer({ entry, written, keys: keys ?? this.#keysOf(entry) });
  }

  #newPeer(peer: Omit<Peer, 'issuer'>): Peer {
    const { entry, keys } = peer;
    const { tokenAlgorithms, claims, roleClients } = this.options;
    const issuer: TokenIssuer = {
      kind: 'peer',
      issuer: entry.issuer,
      provider: DEFAULT_PROVIDER,
      keys,
      algorithms: tokenAlgorithms,
      audience: [this.broker.audience],
      clientId: '',
      defaultDemands: entry.claims === undefined ? claims : [],
      demands: entry.claims ?? [],
      roleClients,
      restrict: (payload) => {
        removeOwnClaims(payload);
        restrictClaims(payload, entry, roleClients);
      },
      accepts: () => this.#peers?.get(entry.issuer)?.issuer === issuer,
    };
    return { ...peer, issuer };
  }

  #keysOf({ issuer, jwksUri }: ResolvedTrustedIssuer): PeerKeys {
    const { jwksPath } = this.broker;
    const base = issuer.replace(/\/$/, '');
    return new PeerKeys({
      issuer,
      addresses: () => {
        if (jwksUri !== undefined) return [jwksUri];
        const own = this.urls.path('jwks') ?? jwksPath;
        return [...new Set([base + jwksPath, base + own])];
      },
      options: this.options,
      http: this.http,
      clock: this.clock,
      events: this.events,
      kept: this.#kept,
      onLoad: (keys) => void this.#keep(issuer, keys),
    });
  }

  /** Nobody waits for it; a store that is down was reported where it was asked. */
  async #keep(issuer: string, keys: readonly UsableKey[]): Promise<void> {
    if (!this.#peers?.has(issuer)) return;
    await this.#kept.save(issuer, keys).catch(() => undefined);
    if (!this.#peers.has(issuer)) this.#swept = undefined; // removed meanwhile
  }

  async #sweep(): Promise<void> {
    const peers = this.#peers;
    if (peers === undefined || this.#swept === peers || this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#kept.keepOnly(peers.keys());
      this.#swept = peers;
    } catch {
      // Reported by the store; the next refresh tries again.
    } finally {
      this.#sweeping = false;
    }
  }
}
