import type { SaidClaims } from '../sessions/session-content.js';
import { printable } from '../errors/printable.js';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';
import type { ProviderClaims } from '../options/broker-options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { sourceOf, textOf, verifierOf } from './claim-sources.js';

const LONGEST = 255;

/**
 * Makes `sub` of our tokens. Two users never get the same one: providers, and tenants that share one, are name spaces of their own, so
 * their names stand before it.
 */
export class MintedSubjects {
  readonly #logger = new SafeLogger();

  constructor(
    private readonly options: Pick<ResolvedOptions, 'subject'>,
    private readonly providers: Pick<Providers, 'known' | 'several'>,
  ) {}

  /**
   * The `sub` of a user whom a provider has told us of.
   *
   * @param all what it says of the user, from all sources.
   * @throws {@link OAuthError} 502 without the claim that is to become `sub`, or when it is an address that nobody verified, or would name
   * a user of another provider. TypeError when the host's function gives no name.
   */
  async of(
    provider: IdentityProvider,
    user: UserIdentity,
    all: ProviderClaims,
    sources: SaidClaims,
  ): Promise<string> {
    const { subject } = this.options;
    if (subject !== undefined) return this.#named(await subject(all, provider.name));
    const claim = provider.options.subjectClaim;
    const name = claim === undefined ? user.sub : this.#valueOf(claim, all, sources);
    return this.#ofProvider(provider, user.iss, name);
  }

  /** The same from the identity alone; `undefined` where something else becomes `sub`. */
  async ofIdentity(
    provider: IdentityProvider,
    { iss, sub }: UserIdentity,
  ): Promise<string | undefined> {
    if (this.options.subject !== undefined) return undefined;
    if (provider.options.subjectClaim !== undefined) return undefined;
    return this.#ofProvider(provider, iss, sub);
  }

  /** Names of providers and ids of tenants hold no `|`, so that no two users make one text. */
  async #ofProvider(provider: IdentityProvider, iss: string, name: string): Promise<string> {
    const tenant = await provider.tenantOf(iss);
    const inTenant = tenant === undefined ? name : `${tenant}|${name}`;
    if (provider.name !== DEFAULT_PROVIDER) return `${provider.name}|${inTenant}`;
    const taken = this.#ownerOf(inTenant);
    if (taken === undefined) return inTenant;
    this.#logger.error(
      `The provider "${DEFAULT_PROVIDER}" names a user as those of "${taken}" are named here ("${taken}|…"); nobody of that name ` +
        'can log in. Give one of the two another name in "providers", or write the option "subject".',
    );
    throw badUpstreamAnswer('a subject that is of another provider');
  }

  /** Whether a `sub` that was minted for a user of this provider is one of another provider's, which may have come later. */
  isTaken({ name }: IdentityProvider, sub: string): boolean {
    if (this.options.subject !== undefined || name !== DEFAULT_PROVIDER) return false;
    return this.#ownerOf(sub) !== undefined;
  }

  #ownerOf(sub: string): string | undefined {
    if (!sub.includes('|')) return undefined;
    const names = this.providers.known().map(({ name }) => name);
    return names.find((name) => name !== DEFAULT_PROVIDER && sub.startsWith(`${name}|`));
  }

  #named(subject: unknown): string {
    if (
      typeof subject === 'string' &&
      subject.length <= LONGEST &&
      /^[\u0021-\u007e]+$/.test(subject)
    )
      return subject;
    this.#logger.error(
      `"subject" must return 1 to ${LONGEST} printable ASCII characters without blanks`,
    );
    throw new TypeError('subject gave no name');
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
    this.#logger.error(
      `The provider gave ${printable(lack)} ("${this.providers.several ? '' : 'broker.'}subjectClaim")`,
    );
    throw badUpstreamAnswer('the subject claim is missing or not verified');
  }
}
