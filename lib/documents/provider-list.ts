import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { Providers } from '../providers/providers.js';

/** An identity provider, as a login page shows it. */
export interface ListedProvider {
  readonly name: string;
  /** What people call it: the option `title`, else its name. */
  readonly title: string;
  /** The login route with this provider; a page adds what its login needs, such as `redirect_uri`. */
  readonly loginUrl: string;
}

/** The identity providers for login pages; hidden ones are left out, and nothing is told of their configuration. */
export class ProviderList {
  constructor(
    private readonly providers: Providers,
    private readonly urls: PublicUrls,
    private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OAuthError} 404 where a function gives the providers and no path was written; 503 before it gave any. */
  async list(): Promise<ListedProvider[]> {
    const { providers, routes } = this.options;
    const login = this.urls.url('login');
    const isOff = providers.source !== undefined && !routes.listsProviders;
    if (isOff || login === undefined) {
      const cause = new Reason('no list of providers', { option: '"routes.providers"' });
      throw new OAuthError('invalid_request', 'There is no list of providers here', {
        status: 404,
        cause,
      });
    }
    return (await this.providers.all())
      .filter(({ options }) => !options.hidden)
      .map(({ name, options: { title } }) => ({
        name,
        title,
        loginUrl: `${login}?provider=${name}`,
      }));
  }
}
