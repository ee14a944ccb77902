import { OidcConfigError } from '../errors/oidc-config.error.js';
import { checkProviderEntry } from './check-options.js';
import { type ClaimDemand, parseClaimConstraint } from './claim-constraint.js';
import { discoveryAddress } from './discovery-address.js';
import type { ApplicationOptions } from './oidc-auth-options.js';
import { optionDefaults, providerDefaults, withDefaults } from './option-defaults.js';
import type {
  AccessTokenMark,
  CallOptions,
  ClientAuthenticationMethod,
  EndpointOptions,
  FetchFunction,
  IntrospectionOptions,
} from './provider-options.js';
import { Secret } from './secret.js';
import type { ProviderEntry } from './several-providers.js';

/** The name of the identity provider whose options stand at the top, and of whatever belongs to no provider. */
export const DEFAULT_PROVIDER = 'default';

/** What a call to another server needs to know. */
export interface ResolvedCallOptions {
  readonly fetch: FetchFunction | undefined;
  readonly timeoutMs: number;
  readonly maxUpstreamCalls: number;
  readonly allowInsecureHttp: boolean;
}

/** {@link IntrospectionOptions}, completed. */
export interface ResolvedIntrospection {
  readonly cacheSec: number;
  readonly always: boolean;
  readonly match: string | RegExp | undefined;
}

/** The options of one identity provider, checked, completed and frozen: all that it is made from. */
export interface ResolvedProvider extends ResolvedCallOptions {
  readonly name: string;
  readonly title: string;
  readonly hidden: boolean;
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
  /** `undefined`: nobody is asked about tokens. */
  readonly introspection: ResolvedIntrospection | undefined;
  readonly jwksUri: string | undefined;
  readonly endpoints: Readonly<EndpointOptions>;
  readonly tenants: readonly string[];
  readonly audience: readonly string[] | false;
  /** `undefined`: what the specifications say. */
  readonly accessTokenMark: AccessTokenMark | undefined;
  /** What logins ask for; begins with `openid`. */
  readonly scopes: readonly string[];
  /** What callers may ask for. */
  readonly allowedScopes: readonly string[];
  readonly offlineAccess: boolean;
  readonly claims: readonly ClaimDemand[];
  readonly authorizationParameters: Readonly<Record<string, string>>;
  readonly logoutParameters: Readonly<Record<string, string>>;
  readonly requireIssuerInCallback: boolean;
  /** `undefined`: what the metadata of the provider says. */
  readonly idTokenAlgorithms: readonly string[] | undefined;
  readonly tokenAlgorithms: readonly string[];
  /** Roles that it may give; `undefined`: any. */
  readonly roles: readonly string[] | undefined;
  /** Scopes that its access tokens may carry; `undefined`: any. */
  readonly tokenScopes: readonly string[] | undefined;
  /** Clients whose `resource_access` counts as roles. */
  readonly roleClients: readonly string[];
  /** Clients whose access tokens may be exchanged. */
  readonly exchangeClients: readonly string[];
  readonly subjectClaim: string | undefined;
  readonly clockToleranceSec: number;
  readonly jwksStaleSec: number;
  readonly jwksCooldownSec: number;
}

/** The options of the application that count for each provider too. */
export type SharedOptions = CallOptions &
  Pick<
    ApplicationOptions,
    'allowInsecureHttp' | 'clockToleranceSec' | 'jwksStaleSec' | 'jwksCooldownSec'
  > & {
    /** Whether it stands beside others: then its metadata adds no names to it. */
    readonly several: boolean;
  };

/** @throws {@link OidcConfigError} where no token could be taken. */
function checkMark({ accessTokenMark, audience, clientId }: ProviderEntry, label: string): void {
  if (accessTokenMark !== 'aud' || [audience].flat().some((one) => one !== clientId)) return;
  throw new OidcConfigError(
    `Option "${label}accessTokenMark" is "aud", and "audience" is the client id (${clientId}): every token would be refused. ` +
      'Let the provider write another audience into access tokens and name that, or use another mark.',
  );
}

function resolveIntrospection(
  given: boolean | IntrospectionOptions,
): ResolvedIntrospection | undefined {
  if (given === false) return undefined;
  const { cacheSec = 30, always = false, match } = given === true ? {} : given;
  return { cacheSec, always, match };
}

/** @throws {@link OidcConfigError} where the provider would answer nobody (RFC 7662 §2.1). */
function checkIntrospection(given: ProviderEntry, label: string): void {
  const { introspection = false, clientSecret } = given;
  if (introspection === false || clientSecret !== undefined) return;
  throw new OidcConfigError(
    `Option "${label}introspection" needs "${label}clientSecret": an introspection endpoint answers authenticated clients alone. Set it, or leave "introspection" out.`,
  );
}

export function scopeList(scopes: string | readonly string[]): string[] {
  const list = typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : scopes;
  return [...new Set(list)];
}

/**
 * Completes the options of one provider. They were checked by themselves.
 *
 * @param label what stands before the names of its options.
 * @throws {@link OidcConfigError} for what does not go together, and unusable claims.
 */
export function resolveProvider(
  name: string,
  given: ProviderEntry,
  shared: SharedOptions,
  label = `providers.${name}.`,
): ResolvedProvider {
  checkMark(given, label);
  checkIntrospection(given, label);
  const { fetch = shared.fetch, claims, ...data } = given;
  const { timeoutMs = shared.timeoutMs, maxUpstreamCalls = shared.maxUpstreamCalls } = given;
  const limits = {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxUpstreamCalls === undefined ? {} : { maxUpstreamCalls }),
  };
  const options = withDefaults(providerDefaults, { ...structuredClone(data), ...limits });
  const whole = withDefaults(optionDefaults, shared);
  const discovery = discoveryAddress(options.discoveryUrl);
  const { clientId, clientSecret, offlineAccess } = options;
  const scopes = [...new Set(['openid', ...scopeList(options.scopes)])];
  return {
    name,
    title: options.title ?? name,
    hidden: options.hidden ?? false,
    clientId,
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    clientAuthentication: options.clientAuthentication,
    discoveryUrl: discovery.url,
    issuer: options.issuer,
    expectedIssuers: options.issuer === undefined ? discovery.issuers : [options.issuer],
    accessTokenIssuers: options.accessTokenIssuers ?? (shared.several ? [] : undefined),
    introspection: resolveIntrospection(options.introspection),
    jwksUri: options.jwksUri,
    endpoints: options.endpoints ?? {},
    tenants: options.tenants ?? [],
    audience: typeof options.audience === 'string' ? [options.audience] : options.audience,
    accessTokenMark: options.accessTokenMark,
    scopes: offlineAccess ? scopes : scopes.filter((one) => one !== 'offline_access'),
    allowedScopes: [...scopes, 'offline_access', ...options.additionalScopes],
    offlineAccess,
    claims: claims === undefined ? [] : parseClaimConstraint(claims, `${label}claims`),
    authorizationParameters: options.authorizationParameters,
    logoutParameters: options.logoutParameters,
    requireIssuerInCallback: options.requireIssuerInCallback,
    fetch,
    timeoutMs: options.timeoutMs,
    maxUpstreamCalls: options.maxUpstreamCalls,
    idTokenAlgorithms: options.idTokenAlgorithms,
    tokenAlgorithms: options.tokenAlgorithms,
    roles: options.roles,
    tokenScopes: options.tokenScopes === undefined ? undefined : scopeList(options.tokenScopes),
    roleClients: options.roleClients ?? [clientId],
    exchangeClients: options.exchangeClients ?? [clientId],
    subjectClaim: options.subjectClaim,
    allowInsecureHttp: whole.allowInsecureHttp,
    clockToleranceSec: whole.clockToleranceSec,
    jwksStaleSec: whole.jwksStaleSec,
    jwksCooldownSec: whole.jwksCooldownSec,
  };
}

/** Checks and completes an entry that a function gave while the application runs. @throws {@link OidcConfigError} */
export function resolveProviderEntry(
  name: string,
  entry: ProviderEntry,
  shared: SharedOptions,
): ResolvedProvider {
  checkProviderEntry(name, entry, shared);
  return resolveProvider(name, entry, shared);
}
