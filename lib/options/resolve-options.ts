import { OidcConfigError } from '../errors/oidc-config.error.js';
import { checkAccessTokenIssuers } from './access-token-issuers.js';
import { checkOptionValues } from './check-options.js';
import { type ClaimDemand, parseClaimConstraint } from './claim-constraint.js';
import { discoveryAddress } from './discovery-address.js';
import type {
  AccessTokenMark,
  ClientAuthenticationMethod,
  EndpointOptions,
  FetchFunction,
  GrantOptions,
  LoopbackRedirectOptions,
  OidcAuthOptions,
} from './oidc-auth-options.js';
import { grantDefaults, optionDefaults, withDefaults } from './option-defaults.js';
import { type ResolvedBrokerOptions, checkBroker, resolveBroker } from './resolve-broker.js';
import type { ResolvedRoutes } from './resolve-routes.js';
import { Secret } from './secret.js';
import { isLoopbackHost } from './url-rules.js';

/** The name of the only identity provider that can be configured so far. */
export const DEFAULT_PROVIDER = 'default';

/** The options, checked, completed and frozen: what the rest of the module reads. */
export interface ResolvedOptions {
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  readonly clientAuthentication: ClientAuthenticationMethod | undefined;
  /** Always has a well-known path. */
  readonly discoveryUrl: string;
  readonly issuer: string | undefined;
  /** The option `issuer`, else the spellings that {@link discoveryUrl} stands for. */
  readonly expectedIssuers: readonly string[];
  /** `undefined`: what the metadata of the provider says. */
  readonly accessTokenIssuers: readonly string[] | undefined;
  readonly jwksUri: string | undefined;
  readonly endpoints: Readonly<EndpointOptions>;
  readonly tenants: readonly string[];
  /** Without a trailing slash; `undefined` only when no route needs it. */
  readonly publicUrl: string | undefined;
  readonly audience: readonly string[] | false;
  /** `undefined`: what the specifications say. */
  readonly accessTokenMark: AccessTokenMark | undefined;
  /** What logins ask for; begins with `openid`. */
  readonly scopes: readonly string[];
  /** What callers may ask for. */
  readonly allowedScopes: readonly string[];
  readonly offlineAccess: boolean;
  readonly claims: readonly ClaimDemand[];
  readonly allowedRedirectUris: readonly string[];
  readonly loopbackRedirects: Readonly<LoopbackRedirectOptions> | false;
  readonly allowedPostLogoutRedirectUris: readonly string[];
  readonly routes: ResolvedRoutes;
  readonly grants: Readonly<Required<GrantOptions>>;
  readonly authorizationParameters: Readonly<Record<string, string>>;
  readonly logoutParameters: Readonly<Record<string, string>>;
  readonly requireIssuerInCallback: boolean;
  readonly fetch: FetchFunction | undefined;
  readonly allowInsecureHttp: boolean;
  readonly encryptionKeys: readonly Secret[];
  readonly timeoutMs: number;
  readonly maxUpstreamCalls: number;
  /** `undefined`: what the metadata of the provider says. */
  readonly idTokenAlgorithms: readonly string[] | undefined;
  readonly tokenAlgorithms: readonly string[];
  readonly clockToleranceSec: number;
  readonly maxTokenAgeSec: number;
  readonly maxTokenBytes: number;
  readonly jwksStaleSec: number;
  readonly jwksCooldownSec: number;
  readonly onLogin: OidcAuthOptions['onLogin'];
  readonly requestProperty: string | false;
  readonly appName: string;
  /** Clients whose `resource_access` counts as roles. */
  readonly roleClients: readonly string[];
  /** `undefined`: passthrough mode. */
  readonly broker: ResolvedBrokerOptions | undefined;
}

function scopeList(scopes: string | readonly string[]): string[] {
  const list = typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : scopes;
  return [...new Set(list)];
}

function checkPublicUrl(options: OidcAuthOptions, routes: ResolvedRoutes): void {
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

function checkTogether(options: OidcAuthOptions, routes: ResolvedRoutes): void {
  checkPublicUrl(options, routes);
  const { accessTokenMark, audience, clientId } = options;
  if (accessTokenMark === 'aud' && [audience].flat().every((one) => one === clientId)) {
    throw new OidcConfigError(
      `Option "accessTokenMark" is "aud", and "audience" is the client id (${clientId}): every token would be refused. ` +
        'Let the provider write another audience into access tokens and name that, or use another mark.',
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

function deepFreeze<T>(value: T): T {
  if (!Array.isArray(value) && !isPlainObject(value)) return value; // a store is the host's
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}

function isPlainObject(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

/**
 * Checks the host's options once, completes and freezes them. The host's own object is not touched.
 *
 * @throws {@link OidcConfigError} that names the option, the value seen and the mend.
 */
export function resolveOptions(given: OidcAuthOptions, routes: ResolvedRoutes): ResolvedOptions {
  checkOptionValues(given);
  checkTogether(given, routes);
  checkBroker(given, routes);
  const claims = given.claims === undefined ? [] : parseClaimConstraint(given.claims, 'claims');
  const options = withDefaults(optionDefaults, structuredCloneOfData(given));
  const discovery = discoveryAddress(options.discoveryUrl);
  const broker = resolveBroker(given);
  checkAccessTokenIssuers(options.accessTokenIssuers ?? [], broker);
  const grants = withDefaults(grantDefaults, options.grants ?? {});
  const scopes = [...new Set(['openid', ...scopeList(options.scopes)])];
  const asked = options.offlineAccess ? scopes : scopes.filter((name) => name !== 'offline_access');
  return deepFreeze<ResolvedOptions>({
    clientId: options.clientId,
    clientSecret: options.clientSecret === undefined ? undefined : new Secret(options.clientSecret),
    clientAuthentication: options.clientAuthentication,
    discoveryUrl: discovery.url,
    issuer: options.issuer,
    expectedIssuers: options.issuer === undefined ? discovery.issuers : [options.issuer],
    accessTokenIssuers: options.accessTokenIssuers,
    jwksUri: options.jwksUri,
    endpoints: options.endpoints ?? {},
    tenants: options.tenants ?? [],
    publicUrl: options.publicUrl?.replace(/\/$/, ''),
    audience: typeof options.audience === 'string' ? [options.audience] : options.audience,
    accessTokenMark: options.accessTokenMark,
    scopes: asked,
    allowedScopes: [...scopes, 'offline_access', ...options.additionalScopes],
    offlineAccess: options.offlineAccess,
    claims,
    allowedRedirectUris: options.allowedRedirectUris,
    loopbackRedirects: options.loopbackRedirects,
    allowedPostLogoutRedirectUris: options.allowedPostLogoutRedirectUris,
    routes,
    grants: { ...grants, exchange: grants.exchange && given.broker !== undefined },
    authorizationParameters: options.authorizationParameters,
    logoutParameters: options.logoutParameters,
    requireIssuerInCallback: options.requireIssuerInCallback,
    fetch: given.fetch,
    allowInsecureHttp: options.allowInsecureHttp,
    encryptionKeys: (options.encryptionKeys ?? []).map((key) => new Secret(key)),
    timeoutMs: options.timeoutMs,
    maxUpstreamCalls: options.maxUpstreamCalls,
    idTokenAlgorithms: options.idTokenAlgorithms,
    tokenAlgorithms: options.tokenAlgorithms,
    clockToleranceSec: options.clockToleranceSec,
    maxTokenAgeSec: options.maxTokenAgeSec,
    maxTokenBytes: options.maxTokenBytes,
    jwksStaleSec: options.jwksStaleSec,
    jwksCooldownSec: options.jwksCooldownSec,
    onLogin: given.onLogin,
    requestProperty: options.requestProperty,
    appName: options.appName,
    roleClients: [...(given.broker?.roleClients ?? [options.clientId])],
    broker,
  });
}

/** A copy, so that a host that changes its object later changes nothing here. */
function structuredCloneOfData(
  given: OidcAuthOptions,
): Omit<OidcAuthOptions, 'claims' | 'fetch' | 'onLogin' | 'broker'> {
  const { claims: _claims, fetch: _fetch, onLogin: _onLogin, broker: _broker, ...data } = given;
  return structuredClone(data);
}
