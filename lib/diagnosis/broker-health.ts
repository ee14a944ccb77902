import type { Clock } from '../clock/clock.js';
import { printable } from '../errors/printable.js';
import { withoutDetails } from '../errors/shown-value.js';
import type { PeerIssuers } from '../federation/peer-issuers.js';
import type { SigningKeys } from '../keys/signing-keys.js';
import type { Providers } from '../providers/providers.js';
import type { StoreAccess } from '../store/store-access.js';
import { Health, type HealthReport, PATIENCE_MS, type PartHealth } from './health.js';

/** An id that no session has: looking for it costs the store one look into an index. */
const NO_SESSION = '0'.repeat(32);

/** What broker mode lives on. */
export interface BrokerHealthParts {
  readonly store: StoreAccess;
  readonly peers: PeerIssuers;
  readonly ofSessions: { readonly keys: SigningKeys };
}

/** Our own tokens are verified with our own keys: without the providers nobody logs in, and those who have go on. */
export class BrokerHealth extends Health {
  constructor(
    providers: Providers,
    private readonly parts: BrokerHealthParts,
    clock: Clock,
  ) {
    super(providers, clock);
  }

  protected async look(): Promise<HealthReport> {
    const [providers, peers, store, signingKeys] = await Promise.all([
      this.ofProviders(),
      this.#ofPeers(),
      this.#works(this.parts.store.ask((rows) => rows.findSession(NO_SESSION, this.clock.now()))),
      this.#works(this.parts.ofSessions.keys.current()),
    ]);
    const others = [...Object.values(providers), ...Object.values(peers)];
    const vital = [store, signingKeys].every((part) => part.status === 'up');
    const all = Object.keys(providers).length > 0 && others.every((part) => part.status === 'up');
    return {
      status: !vital ? 'down' : all ? 'up' : 'degraded',
      providers,
      store,
      signingKeys,
      peers,
    };
  }

  /** Those that nobody has come from are not asked for the sake of a probe. */
  #ofPeers(): Promise<Readonly<Record<string, PartHealth>>> {
    const used = this.parts.peers
      .sources()
      .filter(([, { state }]) => state.known || state.failing)
      .map(([issuer, keys]) => [printable(withoutDetails(issuer)), keys] as const);
    return this.ofSources(used);
  }

  async #works(work: Promise<unknown>): Promise<PartHealth> {
    const done = work.then(() => true);
    const works = await this.clock.within(PATIENCE_MS, done).catch(() => false);
    return { status: works ? 'up' : 'down' };
  }
}
