import { Inject, Injectable } from '@nestjs/common';
import { OwnIssuer } from '../sessions/own-issuer.js';
import { PeerIssuers } from '../federation/peer-issuers.js';
import { IdentityProvider } from '../providers/identity-provider.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type TokenIssuer, TokenIssuers } from '../tokens/verification-keys.js';

/**
 * Whose tokens the guard takes: in passthrough mode the identity provider's; in broker mode our own and those of trusted
 * instances, and the provider's no more.
 */
@Injectable()
export class GuardIssuers extends TokenIssuers {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly provider: IdentityProvider,
    private readonly own: OwnIssuer,
    private readonly peers: PeerIssuers,
  ) {
    super();
  }

  async named(iss: string): Promise<TokenIssuer | undefined> {
    if (this.options.broker === undefined) return this.provider.named(iss);
    return (await this.own.named(iss)) ?? this.peers.named(iss);
  }

  override names(): readonly string[] {
    const { broker } = this.options;
    return broker === undefined ? this.provider.names() : [broker.issuer, ...this.peers.names()];
  }
}
