import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ProviderRequest } from '../options/several-providers.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';

/** What may say which identity provider a login is for. */
export interface ProviderChoice {
  readonly provider?: string | undefined;
  /** Its issuer; where two have the same, {@link provider} is needed besides. */
  readonly iss?: string | undefined;
  readonly request?: ProviderRequest | undefined;
}

/** Which identity provider a login is for, and what keeps several of them apart (RFC 9700 §4.4). */
export class ChosenProvider {
  constructor(
    private readonly providers: Providers,
    private readonly urls: PublicUrls,
    private readonly options: ResolvedOptions,
  ) {}

  /**
   * The one that is named, by its name or its issuer, else the one that the host's `resolveProvider` names, else the default.
   *
   * @returns `byHost`: the host chose it for a request at another host than that of `publicUrl`.
   * @throws {@link OAuthError} 400 `invalid_request` for an unknown name or issuer; 502, 503 while that of a provider is not known.
   */
  async of({
    provider: name,
    iss,
    request,
  }: ProviderChoice): Promise<{ provider: IdentityProvider; byHost: boolean }> {
    if (iss !== undefined) return { provider: await this.#ofIssuer(iss, name), byHost: false };
    if (name !== undefined) return { provider: await this.providers.wanted(name), byHost: false };
    const { resolve } = this.options.providers;
    const resolved = request === undefined ? undefined : await resolve?.(request);
    const provider = await this.providers.wanted(resolved);
    const home = this.urls.absolute('/');
    const isHome = home === undefined || new URL(home).hostname === request?.host;
    return { provider, byHost: resolved !== undefined && !isHome };
  }

  /**
   * A login that ends elsewhere than at our callback has no redirect URI of its provider's own: only `iss` of the authorization
   * response (RFC 9207) then tells whose code it is.
   *
   * @throws {@link OAuthError} 400 `invalid_request` where the provider sends none.
   */
  async checkElsewhere(provider: IdentityProvider): Promise<void> {
    if (!this.#needsIssuer(provider) || (await provider.sendsIssuer())) return;
    const cause = new Reason('logins of this provider end at our callback only', {
      came: provider.name,
      option: '"sharedRedirects"',
      mend: 'with several providers, other targets need one that sends iss (RFC 9207)',
    });
    throw new OAuthError('invalid_request', 'This redirect_uri cannot be used with this provider', {
      cause,
    });
  }

  /**
   * Holds `iss`, as the caller got it with the code, against the provider of its login. Nothing is asked with a code that may be another's.
   *
   * @throws {@link OAuthError} 400 `invalid_grant`
   */
  async checkIssuer(provider: IdentityProvider, iss: string | undefined): Promise<void> {
    if (iss === undefined && !this.#needsIssuer(provider)) return;
    if (!this.providers.several) return;
    const right = iss !== undefined && (await provider.isIssuer(iss));
    if (right && (!this.#needsIssuer(provider) || (await provider.sendsIssuer()))) return;
    const mend = 'send iss as it came with the code; or see "sharedRedirects"';
    throw invalidGrant(new Reason('iss is not that of the login', { option: '"providers"', mend }));
  }

  /** Only those that can have that issuer, by their options, are asked for it. */
  async #ofIssuer(iss: string, name: string | undefined): Promise<IdentityProvider> {
    const all =
      name === undefined ? await this.providers.all() : [await this.providers.wanted(name)];
    const likely = all.filter(
      ({ options: { expectedIssuers, tenants } }) =>
        expectedIssuers.includes(iss) || tenants.some((tenant) => iss.includes(tenant)),
    );
    const known = await Promise.all(likely.map((provider) => provider.isIssuer(iss)));
    const [found, ...others] = likely.filter((_, index) => known[index]);
    if (found !== undefined && others.length === 0) return found;
    const mend = found === undefined ? {} : { mend: 'say "provider" too: two have this issuer' };
    const cause = new Reason('iss is of no single provider', { option: '"providers"', ...mend });
    throw new OAuthError('invalid_request', 'iss is not that of an identity provider here', {
      cause,
    });
  }

  #needsIssuer({ name }: IdentityProvider): boolean {
    return this.providers.several && this.options.providers.sharedRedirects !== name;
  }
}
