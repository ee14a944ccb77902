import { ProviderGroup } from './provider-options.js';
import { CallGroup } from './call-options.js';
import type { Written } from './option-group.js';
import type { IncomingHttpHeaders } from 'node:http';
import type { ApplicationOptions } from './oidc-auth-options.js';
import { isProviderName } from './provider-name.js';
import {
  Must,
  MustList,
  Optional,
  isFlag,
  isRecord,
  isScopeList,
  isText,
  within,
} from './value-rules.js';

const NAME = 'must be the name of one of "providers": lower-case letters, digits, "-" and "_"';

/** One of several identity providers. */
export class EntryGroup extends ProviderGroup {
  /** What login pages call it (`GET providers`). Default: its name. */
  @Optional()
  @Must('must be a non-empty string', isText)
  title?: string | undefined;

  /**
   * `true`: `GET providers` does not list it; it serves logins that name it all the same.
   * @defaultValue `false`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  hidden?: boolean = false;

  /** Roles that it may give; others are removed from what it says, before {@link claims} are held against it. Default: any. */
  @Optional()
  @MustList('must be a list of role names; leave it out for any', isText)
  roles?: readonly string[] | undefined;

  /** Scopes that its access tokens may carry; others are removed from them. Default: any. */
  @Optional()
  @Must('must be scopes separated by spaces (not commas), or a list of scopes', isScopeList)
  tokenScopes?: string | readonly string[] | undefined;

  /** Clients whose access tokens may be exchanged in broker mode (RFC 8693). Default: its {@link clientId}. */
  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  exchangeClients?: readonly string[] | undefined;

  /** Clients whose `resource_access` counts as roles. Default: its {@link clientId}. */
  @Optional()
  @MustList('must be a list of at least one client id', isText, { least: 1 })
  roleClients?: readonly string[] | undefined;

  /** As `broker.subjectClaim`, of this provider's users. */
  @Optional()
  @Must('must be the name of a top-level claim, such as "preferred_username"', isText)
  subjectClaim?: string | undefined;
}

/** One of several identity providers. */
export interface ProviderEntry extends Written<EntryGroup> {}

/**
 * Identity providers by name: lower-case letters, digits, `-` and `_`, 32 characters at most, beginning with a letter or digit. Names
 * are not reused: who comes under the name of another inherits its users' names.
 */
export type ProviderMap = Readonly<Record<string, ProviderEntry>>;

/** What {@link SeveralOptions.resolveProvider} may look at. */
export interface ProviderRequest {
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The host of the request without its port, as the header `Host` says: anybody can send any. */
  readonly host: string | undefined;
  /** The query of a login; of a device start none. */
  readonly query: Readonly<Record<string, string>>;
}

/** What there is beside several identity providers. */
export class SeveralGroup extends CallGroup {
  /**
   * Everything that belongs to one identity provider, by the provider's name; or a function that gives that map, called at start and
   * every {@link providersPollSec}. A call that throws or comes late keeps the last map (before the first: 503); an entry that is no
   * good is left out, with the event `provider-dropped`. The one named `default` keeps the callback `/auth/v2/callback` and the bare
   * `sub` of its users; every other one has the callback `/auth/v2/callback/<name>`, and `<name>|` before each `sub`.
   */
  @Must(
    'must be an object such as { staff: { clientId: …, discoveryUrl: …, … } } with at least one provider, each under a name of lower-case ' +
      'letters, digits, "-" and "_" (32 characters at most), or a function that gives one',
    (value) =>
      typeof value === 'function' ||
      (isRecord(value) &&
        Object.keys(value).length > 0 &&
        Object.keys(value).every(isProviderName)),
  )
  providers!: ProviderMap | (() => ProviderMap | Promise<ProviderMap>);

  /**
   * How often a function of {@link providers} is called, in seconds; 10 at most. A provider is added or removed within that time.
   * @defaultValue `5`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 10', within(1, 10))
  providersPollSec?: number = 5;

  /** The provider of requests that name none. Default: the first. */
  @Optional()
  @Must(NAME, isProviderName)
  defaultProvider?: string | undefined;

  /**
   * Names the provider of a login or a device login that names none, for instance by the host name; never asked about a token. On
   * another host than that of `publicUrl` the login route first answers 302 to the same login there.
   */
  @Optional()
  @Must(
    'must be a function ({ headers, host, query }) => name or undefined',
    (value) => typeof value === 'function',
  )
  resolveProvider?:
    ((request: ProviderRequest) => string | undefined | Promise<string | undefined>) | undefined;

  /**
   * The one provider whose logins may end at a loopback address, a page or a client without `iss` on the token route, for the Python
   * client, which sends none. A mix-up attack (RFC 9700 §4.4) by another of the providers on such a login is not noticed.
   */
  @Optional()
  @Must(NAME, isProviderName)
  sharedRedirects?: string | undefined;
}

/** What there is beside several identity providers. */
export interface SeveralOptions extends Written<SeveralGroup> {}

/** The options of `OidcAuthModule` for several identity providers. */
export interface SeveralProvidersOptions extends ApplicationOptions, SeveralOptions {}
