import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { TokenIssuer } from '../tokens/verification-keys.js';
import type { Revocations } from './revocations.js';
import type { UpstreamTokens } from './upstream-tokens.js';
import type { SigningKeys } from '../keys/signing-keys.js';

/** This application as an issuer of access tokens. */
export class OwnIssuer {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly keys: SigningKeys,
    private readonly revocations: Revocations,
    private readonly upstream: UpstreamTokens,
  ) {}

  /**
   * Ourselves, when that is our name. The option `claims` was held against the provider's claims before anything was minted.
   *
   * @throws {@link OAuthError} 503 while nobody can know what was revoked.
   */
  async named(iss: string): Promise<TokenIssuer | undefined> {
    const { issuer, audience } = this.broker;
    if (iss !== issuer) return undefined;
    await Promise.all([this.revocations.ready(), this.upstream.ready()]);
    return {
      kind: 'own',
      issuer,
      provider: DEFAULT_PROVIDER,
      keys: this.keys,
      algorithms: this.options.tokenAlgorithms,
      audience: [audience],
      clientId: '',
      roleClients: [],
      defaultDemands: [],
      demands: [],
      accepts: (claims) => this.upstream.accepts(claims) && !this.revocations.covers(claims),
    };
  }

  /** The same for tokens that are there to end something: the user's provider may be gone. */
  async ending(iss: string): Promise<TokenIssuer | undefined> {
    const issuer = await this.named(iss);
    return issuer && { ...issuer, accepts: (claims) => !this.revocations.covers(claims) };
  }
}
