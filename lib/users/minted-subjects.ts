import type { SaidClaims } from '../sessions/session-content.js';
import { printable } from '../errors/printable.js';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { ProviderClaims } from '../options/broker-options.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { sourceOf, textOf, verifierOf } from './claim-sources.js';

/**
 * Makes `sub` of our tokens. Two users never get the same one: tenants that share a provider are name spaces of their own, so
 * their id stands before it.
 */
export class MintedSubjects {
  readonly #logger = new SafeLogger();

  constructor(
    private readonly broker: ResolvedBrokerOptions,
    private readonly provider: IdentityProvider,
  ) {}

  /**
   * The `sub` of a user whom the provider has told us of.
   *
   * @param all what it says of the user, from all sources.
   * @throws {@link OAuthError} 502 without the claim that is to become `sub`, or when it is an address that nobody verified.
   */
  async of(user: UserIdentity, all: ProviderClaims, sources: SaidClaims): Promise<string> {
    const claim = this.broker.subjectClaim;
    const name = claim === undefined ? user.sub : this.#valueOf(claim, all, sources);
    return this.#inItsTenant(user.iss, name);
  }

  /** The same from the identity alone; `undefined` where another claim becomes `sub`. */
  async ofIdentity({ iss, sub }: UserIdentity): Promise<string | undefined> {
    if (this.broker.subjectClaim !== undefined) return undefined;
    return this.#inItsTenant(iss, sub);
  }

  /** A tenant's id holds no `|`, so that no two pairs make one text. */
  async #inItsTenant(iss: string, name: string): Promise<string> {
    const tenant = await this.provider.tenantOf(iss);
    return tenant === undefined ? name : `${tenant}|${name}`;
  }

  /** Whoever could choose it without proof would log in as whom he likes. */
  #valueOf(claim: string, all: ProviderClaims, sources: SaidClaims): string {
    const flag = verifierOf(claim);
    if (flag === undefined) return textOf(all, claim) ?? this.#refuse(`no claim "${claim}"`);
    const source = sourceOf(sources, claim);
    const value = textOf(source, claim) ?? this.#refuse(`no claim "${claim}"`);
    return source?.[flag] === true ? value : this.#refuse(`no "${flag}": true with "${claim}"`);
  }

  #refuse(lack: string): never {
    this.#logger.error(`The provider gave ${printable(lack)} ("broker.subjectClaim")`);
    throw badUpstreamAnswer('the subject claim is missing or not verified');
  }
}
