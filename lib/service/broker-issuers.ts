import type { PeerIssuers } from '../federation/peer-issuers.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { OwnIssuer } from '../sessions/own-issuer.js';
import { type TokenIssuer, TokenIssuers } from '../tokens/verification-keys.js';

/** Whose tokens the guard takes in broker mode: our own and those of trusted instances, and the provider's no more. */
export class BrokerIssuers extends TokenIssuers {
  override readonly namedBy = '"broker.issuer", "broker.trustedIssuers"';

  constructor(
    private readonly broker: ResolvedBrokerOptions,
    private readonly own: OwnIssuer,
    private readonly peers: PeerIssuers,
  ) {
    super();
  }

  async named(iss: string): Promise<TokenIssuer | undefined> {
    return (await this.own.named(iss)) ?? this.peers.named(iss);
  }

  override names(): readonly string[] {
    return [this.broker.issuer, ...this.peers.names()];
  }
}

/** Ourselves, for tokens that are there to end something. */
export class EndingIssuers extends TokenIssuers {
  constructor(private readonly own: OwnIssuer) {
    super();
  }

  named(iss: string): Promise<TokenIssuer | undefined> {
    return this.own.ending(iss);
  }
}
