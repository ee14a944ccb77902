import type { IncomingHttpHeaders } from 'node:http';
import type { ApplicationOptions } from './oidc-auth-options.js';
import type { CallOptions, ProviderOptions } from './provider-options.js';

/** One of several identity providers. */
export interface ProviderEntry extends ProviderOptions {
  /** What login pages call it (`GET providers`). Default: its name. */
  title?: string;
  /**
   * `true`: `GET providers` does not list it; it serves logins that name it all the same.
   * @defaultValue `false`
   */
  hidden?: boolean;
  /** Roles that it may give; others are removed from what it says, before {@link claims} are held against it. Default: any. */
  roles?: readonly string[];
  /** Scopes that its access tokens may carry; others are removed from them. Default: any. */
  tokenScopes?: string | readonly string[];
  /** Clients whose access tokens may be exchanged in broker mode (RFC 8693). Default: its {@link clientId}. */
  exchangeClients?: readonly string[];
  /** Clients whose `resource_access` counts as roles. Default: its {@link clientId}. */
  roleClients?: readonly string[];
  /** As `broker.subjectClaim`, of this provider's users. */
  subjectClaim?: string;
}

/**
 * Identity providers by name: lower-case letters, digits, `-` and `_`, 32 characters at most, beginning with a letter or digit. Names
 * are not reused: who comes under the name of another inherits its users' names.
 */
export type ProviderMap = Readonly<Record<string, ProviderEntry>>;

/** What {@link SeveralProvidersOptions.resolveProvider} may look at. */
export interface ProviderRequest {
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The host of the request without its port, as the header `Host` says: anybody can send any. */
  readonly host: string | undefined;
  /** The query of a login; of a device start none. */
  readonly query: Readonly<Record<string, string>>;
}

/** The options of `OidcAuthModule` for several identity providers. */
export interface SeveralProvidersOptions extends ApplicationOptions, CallOptions {
  /**
   * Everything that belongs to one identity provider, by the provider's name; or a function that gives that map, called at start and
   * every {@link providersPollSec}. A call that throws or comes late keeps the last map (before the first: 503); an entry that is no
   * good is left out, with the event `provider-dropped`. The one named `default` keeps the callback `/auth/v2/callback` and the bare
   * `sub` of its users; every other one has the callback `/auth/v2/callback/<name>`, and `<name>|` before each `sub`.
   */
  providers: ProviderMap | (() => ProviderMap | Promise<ProviderMap>);
  /**
   * How often a function of {@link providers} is called, in seconds; 10 at most. A provider is added or removed within that time.
   * @defaultValue `5`
   */
  providersPollSec?: number;
  /** The provider of requests that name none. Default: the first. */
  defaultProvider?: string;
  /**
   * Names the provider of a login or a device login that names none, for instance by the host name; never asked about a token. On
   * another host than that of `publicUrl` the login route first answers 302 to the same login there.
   */
  resolveProvider?: (request: ProviderRequest) => string | undefined | Promise<string | undefined>;
  /**
   * The one provider whose logins may end at a loopback address, a page or a client without `iss` on the token route, for the Python
   * client, which sends none. A mix-up attack (RFC 9700 §4.4) by another of the providers on such a login is not noticed.
   */
  sharedRedirects?: string;
}
