import { Inject, Injectable } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { DEFAULT_PROVIDER, type ResolvedOptions } from '../options/resolve-options.js';
import type { TokenIssuer } from '../tokens/verification-keys.js';
import { Revocations } from './revocations.js';
import { SigningKeys } from '../keys/signing-keys.js';

/** This application as an issuer of access tokens. */
@Injectable()
export class OwnIssuer {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly keys: SigningKeys,
    private readonly revocations: Revocations,
  ) {}

  /**
   * Ourselves, when that is our name. The option `claims` was held against the provider's claims before anything was minted.
   *
   * @throws {@link OAuthError} 503 while nobody can know what was revoked.
   */
  async named(iss: string): Promise<TokenIssuer | undefined> {
    const { broker, clientId } = this.options;
    if (broker === undefined || iss !== broker.issuer) return undefined;
    await this.revocations.ready();
    return {
      kind: 'own',
      issuer: broker.issuer,
      provider: DEFAULT_PROVIDER,
      keys: this.keys,
      algorithms: this.options.tokenAlgorithms,
      audience: [broker.audience],
      clientId,
      defaultDemands: [],
      demands: [],
      accepts: (claims) => !this.revocations.covers(claims),
    };
  }
}
