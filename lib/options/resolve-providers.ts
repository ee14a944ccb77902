import type { CallOptions } from './call-options.js';
import {
  type ProviderMap,
  SeveralGroup,
  type SeveralOptions,
  type SeveralProvidersOptions,
} from './several-providers.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { OidcAuthOptions } from './oidc-auth-options.js';
import { complete } from './option-group.js';
import {
  DEFAULT_PROVIDER,
  type ResolvedProvider,
  type SharedOptions,
  resolveProvider,
} from './resolve-provider.js';
import { isLoopbackHost, parseUrl } from './url-rules.js';

/** The identity providers, as far as they are known at start-up. */
export interface ResolvedProviders {
  /** Empty where a {@link source} gives them. */
  readonly list: readonly ResolvedProvider[];
  /** Gives the map anew, every {@link pollSec}. */
  readonly source: (() => ProviderMap | Promise<ProviderMap>) | undefined;
  /** What is completed with {@link source}'s entries. */
  readonly shared: SharedOptions;
  readonly pollSec: number;
  /** Whether there can be more than one, so that names stand before what goes out. */
  readonly several: boolean;
  /** `undefined`: the first. */
  readonly defaultName: string | undefined;
  readonly resolve: SeveralOptions['resolveProvider'];
  readonly sharedRedirects: string | undefined;
}

/** The options as a host writes them, for one identity provider or for several. */
export type GivenOptions = OidcAuthOptions | SeveralProvidersOptions;

/** What `broker` says of the one provider at the top, and an entry of `providers` of itself. */
const OF_AN_ENTRY = ['exchangeClients', 'roleClients', 'subjectClaim'] as const;

/** How calls are made that belong to no provider, and those of providers that say nothing else. */
export function callOptionsOf({ fetch, timeoutMs, maxUpstreamCalls }: GivenOptions): CallOptions {
  return {
    ...(fetch === undefined ? {} : { fetch }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxUpstreamCalls === undefined ? {} : { maxUpstreamCalls }),
  };
}

/** Browsers take `Secure` cookies at such addresses alone. */
function takesCrossSiteCookies({ publicUrl }: GivenOptions): boolean {
  const url = parseUrl(publicUrl);
  return url?.protocol === 'https:' || isLoopbackHost(url?.hostname ?? '');
}

function sharedOptionsOf(given: GivenOptions, several: boolean): SharedOptions {
  const { allowInsecureHttp, clockToleranceSec, jwksStaleSec, jwksCooldownSec } = given;
  return {
    several,
    crossSiteCookies: takesCrossSiteCookies(given),
    ...callOptionsOf(given),
    ...(allowInsecureHttp === undefined ? {} : { allowInsecureHttp }),
    ...(clockToleranceSec === undefined ? {} : { clockToleranceSec }),
    ...(jwksStaleSec === undefined ? {} : { jwksStaleSec }),
    ...(jwksCooldownSec === undefined ? {} : { jwksCooldownSec }),
  };
}

/** The options at the top, as one provider's. */
function providerAtTheTop(given: OidcAuthOptions, shared: SharedOptions): ResolvedProvider {
  const { exchangeClients, roleClients, subjectClaim } = given.broker ?? {};
  const entry = { ...given, exchangeClients, roleClients, subjectClaim };
  return resolveProvider(DEFAULT_PROVIDER, entry, shared, '');
}

/** @throws {@link OidcConfigError} for a name that no provider has. */
function checkNames(given: SeveralProvidersOptions, list: readonly ResolvedProvider[]): void {
  for (const option of ['defaultProvider', 'sharedRedirects'] as const) {
    const name = given[option];
    if (name === undefined || list.some((provider) => provider.name === name)) continue;
    throw new OidcConfigError(
      `Option "${option}" is "${name}", and "providers" has no provider of that name. Known: ${list.map((one) => one.name).join(', ')}.`,
    );
  }
}

/** A function may give one more at any time. */
function isSeveral({ providers }: GivenOptions): boolean {
  if (providers === undefined) return false;
  return typeof providers === 'function' || Object.keys(providers).length > 1;
}

/** Completes the options of the identity providers. @throws {@link OidcConfigError} for what does not go together. */
export function resolveProviders(given: GivenOptions): ResolvedProviders {
  const several = isSeveral(given);
  const shared = sharedOptionsOf(given, several);
  if (given.providers === undefined) {
    const { providersPollSec: pollSec } = new SeveralGroup();
    return {
      shared,
      several,
      pollSec: pollSec ?? Infinity,
      source: undefined,
      defaultName: undefined,
      resolve: undefined,
      sharedRedirects: undefined,
      list: [providerAtTheTop(given, shared)],
    };
  }
  const misplaced = OF_AN_ENTRY.find((name) => given.broker?.[name] !== undefined);
  if (misplaced !== undefined) {
    throw new OidcConfigError(
      `Option "broker.${misplaced}" belongs to one identity provider. With "providers" write it into the entry of the provider that it ` +
        'is meant for.',
    );
  }
  const { providers, ...options } = complete(SeveralGroup, given);
  const known = {
    shared,
    several,
    source: undefined,
    pollSec: options.providersPollSec,
    defaultName: options.defaultProvider,
    resolve: options.resolveProvider,
    sharedRedirects: options.sharedRedirects,
  };
  if (typeof providers === 'function') {
    return { ...known, list: [], source: providers };
  }
  const list = Object.entries(providers).map(([name, entry]) =>
    resolveProvider(name, entry, shared),
  );
  checkNames(given, list);
  return { ...known, list };
}
