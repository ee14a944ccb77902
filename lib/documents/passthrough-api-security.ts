import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';
import { brokerRoutes } from '../options/resolve-routes.js';
import { ApiSecurity } from './api-security.js';
import { isOfBrowsers } from './browser-operations.js';

/** Passthrough mode: the tokens are the identity provider's. */
export class PassthroughApiSecurity extends ApiSecurity {
  constructor(private readonly providers: Providers) {
    super();
  }

  scheme(): object {
    const only = this.#only();
    if (only === undefined) return { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' };
    return { type: 'openIdConnect', openIdConnectUrl: only.options.discoveryUrl };
  }

  /** A scheme has one discovery document. */
  #only(): IdentityProvider | undefined {
    return this.providers.several ? undefined : this.providers.known()[0];
  }

  get cookieName(): undefined {
    return undefined;
  }

  answersNothing(route: unknown): boolean {
    return isOfBrowsers(route) || brokerRoutes.some((name) => name === route);
  }
}
