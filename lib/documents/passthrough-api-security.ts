import type { ResolvedOptions } from '../options/resolve-options.js';
import { brokerRoutes } from '../options/resolve-routes.js';
import { ApiSecurity } from './api-security.js';

/** Passthrough mode: the tokens are the identity provider's. */
export class PassthroughApiSecurity extends ApiSecurity {
  constructor(private readonly options: ResolvedOptions) {
    super();
  }

  scheme(): object {
    return { type: 'openIdConnect', openIdConnectUrl: this.options.discoveryUrl };
  }

  answersNothing(route: unknown): boolean {
    return brokerRoutes.some((name) => name === route);
  }
}
