import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import { ApiSecurity } from './api-security.js';
import { isOfBrowsers } from './browser-operations.js';

/** Broker mode: the tokens are our own. */
export class BrokerApiSecurity extends ApiSecurity {
  constructor(
    private readonly broker: ResolvedBrokerOptions,
    private readonly session: ResolvedBrowserSessions | undefined,
    private readonly dpop: ResolvedOptions['dpop'],
  ) {
    super();
  }

  get cookieName(): string | undefined {
    return this.session?.cookieName;
  }

  scheme(): object {
    const bearer = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' };
    return this.dpop === 'required' ? { ...bearer, scheme: 'dpop' } : bearer; // RFC 9449 §7.1
  }

  answersNothing(route: unknown): boolean {
    if (isOfBrowsers(route)) return this.session === undefined;
    return route === 'introspect' && this.broker.introspectionScope === undefined;
  }
}
