import { GrantGroup, type GrantOptions } from './route-options.js';
import { ApplicationGroup, type ApplicationOptions } from './oidc-auth-options.js';
import { CallGroup } from './call-options.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { checkOptionValues } from './check-options.js';
import type { ClaimDemand } from './claim-constraint.js';
import { checkAgainstEachOther } from './provider-conflicts.js';
import { frozenCopy } from './frozen-copy.js';
import { type Complete, complete } from './option-group.js';
import { SIGNATURE_ALGORITHMS } from './provider-rules.js';
import { type ResolvedBrokerOptions, checkBroker, resolveBroker } from './resolve-broker.js';
import {
  type ResolvedBrowserSessions,
  checkBrowserSessions,
  resolveBrowserSessions,
} from './resolve-browser-sessions.js';
import type { ResolvedCallOptions } from './resolve-provider.js';
import {
  type GivenOptions,
  type ResolvedProviders,
  callOptionsOf,
  resolveProviders,
} from './resolve-providers.js';
import type { ResolvedRoutes } from './resolve-routes.js';
import { Secret } from './secret.js';
import { isLoopbackHost } from './url-rules.js';

/** What is read in another form than it was written. */
type Rewritten = 'broker' | 'encryptionKeys' | 'grants' | 'publicUrl' | 'routes' | 'session';

/** The options, checked, completed and frozen: what the rest of the module reads. */
export interface ResolvedOptions
  extends Omit<Complete<ApplicationOptions>, Rewritten>, ResolvedCallOptions {
  readonly providers: ResolvedProviders;
  /** Demanded of tokens of trusted issuers that have no `claims` of their own: the option of the provider at the top. */
  readonly claims: readonly ClaimDemand[];
  /** Clients of all providers whose `resource_access` counts as roles. */
  readonly roleClients: readonly string[];
  /** Of our own tokens and those of trusted issuers. */
  readonly tokenAlgorithms: readonly string[];
  /** Of the provider at the top: other secrets make no keys. */
  readonly clientSecret: Secret | undefined;
  /** Without a trailing slash; `undefined` only when no route needs it. */
  readonly publicUrl: string | undefined;
  readonly routes: ResolvedRoutes;
  readonly grants: Complete<GrantOptions>;
  readonly encryptionKeys: readonly Secret[];
  /** `undefined`: passthrough mode. */
  readonly broker: ResolvedBrokerOptions | undefined;
  /** `undefined`: no sessions by cookie. */
  readonly session: ResolvedBrowserSessions | undefined;
}

function checkPublicUrl(options: GivenOptions, routes: ResolvedRoutes): void {
  const { publicUrl, allowInsecureHttp } = options;
  const needing = (['login', 'callback', 'logout'] as const).find((name) => routes[name]);
  if (publicUrl === undefined) {
    if (needing === undefined) return;
    throw new OidcConfigError(
      `Option "publicUrl" is missing, and the route "${needing}" needs it. Set it to the address under which ` +
        `browsers reach this application, e.g. "https://app.example.org", or switch login, callback and logout off.`,
    );
  }
  const url = new URL(publicUrl);
  if (url.protocol === 'https:' || isLoopbackHost(url.hostname) || allowInsecureHttp) return;
  throw new OidcConfigError(
    `Option "publicUrl" is http outside loopback (${publicUrl}): login cookies would be readable on the way. ` +
      'Use https, or set "allowInsecureHttp: true" in a closed test network.',
  );
}

function checkPossession({ dpop, dpopNonce, publicUrl }: GivenOptions): void {
  if (dpopNonce === true && dpop === false) {
    throw new OidcConfigError(
      'Option "dpopNonce" is true and "dpop" is false, so that nobody would look at a nonce. Leave one of the two out.',
    );
  }
  if (dpop !== 'required' || publicUrl !== undefined) return;
  throw new OidcConfigError(
    'Option "dpop" is "required" and "publicUrl" is missing: a proof names the address that it was made for. ' +
      'Set "publicUrl" to the address under which clients reach this application, e.g. "https://api.example.org".',
  );
}

function checkTogether(options: GivenOptions, routes: ResolvedRoutes): void {
  checkPublicUrl(options, routes);
  checkPossession(options);
  if (options.subject !== undefined && options.broker === undefined) {
    throw new OidcConfigError(
      'Option "subject" makes the "sub" of our own tokens, and without "broker" there are none. Leave it out, or add "broker".',
    );
  }
  if (
    options.grants?.authorizationCode === false &&
    routes.login &&
    routes.callback === undefined
  ) {
    throw new OidcConfigError(
      'Option "grants.authorizationCode" is false and "routes.callback" is off, so that no login could finish. ' +
        'Switch "routes.login" off too, or one of the two on.',
    );
  }
}

function secretAtTheTop(given: GivenOptions): Secret | undefined {
  if (given.providers !== undefined || given.clientSecret === undefined) return undefined;
  return new Secret(given.clientSecret);
}

/**
 * Checks the host's options once, completes and freezes them. The host's own object is not touched.
 *
 * @throws {@link OidcConfigError} that names the option, the value seen and the mend.
 */
export function resolveOptions(given: GivenOptions, routes: ResolvedRoutes): ResolvedOptions {
  checkOptionValues(given);
  checkTogether(given, routes);
  checkBroker(given, routes);
  checkBrowserSessions(given, routes);
  const providers = resolveProviders(given);
  const broker = resolveBroker(given);
  checkAgainstEachOther(providers.list, broker);
  const options = complete(ApplicationGroup, given);
  const grants = complete(GrantGroup, options.grants ?? {});
  const [top] = given.providers === undefined ? providers.list : [];
  return frozenCopy<ResolvedOptions>({
    ...options,
    ...complete(CallGroup, callOptionsOf(given)),
    providers,
    claims: top?.claims ?? [],
    roleClients: [...new Set(providers.list.flatMap((provider) => provider.roleClients))],
    tokenAlgorithms: top?.tokenAlgorithms ?? SIGNATURE_ALGORITHMS,
    clientSecret: secretAtTheTop(given),
    publicUrl: options.publicUrl?.replace(/\/$/, ''),
    routes,
    grants: { ...grants, exchange: grants.exchange && broker !== undefined },
    encryptionKeys: (options.encryptionKeys ?? []).map((key) => new Secret(key)),
    broker,
    session: resolveBrowserSessions(given),
  });
}
