import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { ApiSecurity } from './api-security.js';

/** Broker mode: the tokens are our own. */
export class BrokerApiSecurity extends ApiSecurity {
  constructor(private readonly broker: ResolvedBrokerOptions) {
    super();
  }

  scheme(): object {
    return { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' };
  }

  answersNothing(route: unknown): boolean {
    return route === 'introspect' && this.broker.introspectionScope === undefined;
  }
}
