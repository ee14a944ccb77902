import { printable } from '../errors/printable.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { PeerIssuers } from '../federation/peer-issuers.js';
import type { Providers } from '../providers/providers.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import {
  type Introspection,
  type IssuerMarks,
  type TokenIssuer,
  TokenIssuers,
} from '../tokens/verification-keys.js';

/**
 * Whose tokens may be exchanged: the identity provider's. A further name of its access tokens that is our own or a trusted issuer's
 * too is not taken: what the options say of it was looked at when the application started, but its metadata and the function of
 * `broker.trustedIssuers` can bring one up later.
 */
export class ExchangeIssuers extends TokenIssuers {
  constructor(
    private readonly providers: Providers,
    private readonly peers: PeerIssuers,
    private readonly events: OidcEvents,
    private readonly broker: ResolvedBrokerOptions,
  ) {
    super();
  }

  async named(iss: string, marks?: () => IssuerMarks): Promise<TokenIssuer | undefined> {
    const issuer = await this.providers.named(iss, marks);
    return issuer && this.#unlessClaimedTwice(issuer);
  }

  async #unlessClaimedTwice(issuer: TokenIssuer): Promise<TokenIssuer | undefined> {
    const { issuer: iss } = issuer;
    if (!this.#isSomebodyElses(iss)) return issuer;
    const provider = await this.providers.find(issuer.provider);
    if ((await provider?.issuers())?.includes(iss)) return issuer;
    this.events.emit('issuer-claimed-twice', {
      provider: issuer.provider,
      issuer: printable(iss),
    });
    return undefined;
  }

  override async introspectionOf(token: string): Promise<Introspection | undefined> {
    const introspection = await this.providers.introspectionOf(token);
    if (introspection === undefined) return undefined;
    return {
      cacheSec: introspection.cacheSec,
      ask: (one) => introspection.ask(one),
      issuerOf: async (iss) => {
        const issuer = await introspection.issuerOf(iss);
        return issuer && this.#unlessClaimedTwice(issuer);
      },
    };
  }

  override names(): readonly string[] {
    return this.providers.names();
  }

  #isSomebodyElses(iss: string): boolean {
    return iss === this.broker.issuer || this.peers.lists(iss);
  }
}
