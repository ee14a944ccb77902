import type { DemoAccount } from './accounts.js';

/** In what one identity provider of this sample differs from another. */
export interface ProviderSettings {
  /** Its name in the application's option `providers`; also in its cookies, and for the colours of its pages. */
  name: string;
  /** What people call it. */
  title: string;
  client: ClientSettings;
  accounts: readonly DemoAccount[];
}

/** The application, as the provider knows it. */
export interface ClientSettings {
  clientId: string;
  clientSecret: string;
  audience: string;
  /** What people are told that they log in to. Default: `Quickstart app`. */
  title?: string;
  /** Where it hears of logouts at the provider (OpenID Connect Back-Channel Logout 1.0). */
  backchannelLogoutUri?: string;
}
