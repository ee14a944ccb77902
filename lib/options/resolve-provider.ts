import { IntrospectionGroup, type IntrospectionOptions } from './introspection-options.js';
import { EntryGroup, type ProviderEntry } from './several-providers.js';
import { CallGroup, type CallOptions } from './call-options.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { checkProviderEntry } from './check-options.js';
import { type ClaimDemand, parseClaimConstraint } from './claim-constraint.js';
import { type ResolvedClientKey, resolveClientKeys } from './client-keys.js';
import { discoveryAddress } from './discovery-address.js';
import { ApplicationGroup, type ApplicationOptions } from './oidc-auth-options.js';
import { type Complete, complete } from './option-group.js';
import { Secret } from './secret.js';
import type { EndpointOptions } from './endpoint-options.js';

/** The name of the identity provider whose options stand at the top, and of whatever belongs to no provider. */
export const DEFAULT_PROVIDER = 'default';

/** What a call to another server needs to know. */
export interface ResolvedCallOptions extends Complete<CallOptions> {
  readonly allowInsecureHttp: boolean;
}

/** {@link IntrospectionOptions}, completed. */
export type ResolvedIntrospection = Complete<IntrospectionGroup>;

/** What is read in another form than it was written. */
type Rewritten =
  | 'accessTokenIssuers'
  | 'additionalScopes'
  | 'audience'
  | 'claims'
  | 'clientKeys'
  | 'clientSecret'
  | 'endpoints'
  | 'exchangeClients'
  | 'introspection'
  | 'resource'
  | 'roleClients'
  | 'scopes'
  | 'tenants'
  | 'title'
  | 'tokenScopes';

/** The options of one identity provider, checked, completed and frozen: all that it is made from. */
export interface ResolvedProvider
  extends Omit<Complete<ProviderEntry>, Rewritten>, ResolvedCallOptions {
  readonly name: string;
  readonly title: string;
  readonly clientSecret: Secret | undefined;
  /** The first signs. */
  readonly clientKeys: readonly ResolvedClientKey[];
  /** The option `issuer`, else the spellings that `discoveryUrl` stands for, which here has a well-known path always. */
  readonly expectedIssuers: readonly string[];
  /** `undefined`: what the metadata of the provider says. */
  readonly accessTokenIssuers: readonly string[] | undefined;
  /** `undefined`: nobody is asked about tokens. */
  readonly introspection: ResolvedIntrospection | undefined;
  readonly endpoints: Readonly<EndpointOptions>;
  readonly tenants: readonly string[];
  readonly audience: readonly string[] | false;
  readonly resource: readonly string[];
  /** What logins ask for; begins with `openid`. */
  readonly scopes: readonly string[];
  /** What callers may ask for. */
  readonly allowedScopes: readonly string[];
  readonly claims: readonly ClaimDemand[];
  /** Scopes that its access tokens may carry; `undefined`: any. */
  readonly tokenScopes: readonly string[] | undefined;
  /** Clients whose `resource_access` counts as roles. */
  readonly roleClients: readonly string[];
  /** Clients whose access tokens may be exchanged. */
  readonly exchangeClients: readonly string[];
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
    /** Whether browsers bring our cookies back with a page of the provider's: on https, and on loopback. */
    readonly crossSiteCookies: boolean;
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
  return complete(IntrospectionGroup, given === true ? {} : given);
}

/** Whether we can prove to a provider who we are: by a secret, a key or a certificate. */
export function provesItself({
  clientSecret,
  clientKeys = [],
  clientAuthentication,
}: {
  readonly clientSecret?: unknown;
  readonly clientKeys?: readonly unknown[];
  readonly clientAuthentication?: string | undefined;
}): boolean {
  if (clientAuthentication?.includes('tls_') === true) return true;
  return clientSecret !== undefined || clientKeys.length > 0;
}

/** @throws {@link OidcConfigError} where the provider would answer nobody (RFC 7662 §2.1). */
function checkIntrospection(given: ProviderEntry, label: string): void {
  const { introspection = false } = given;
  if (introspection === false || provesItself(given)) return;
  throw new OidcConfigError(
    `Option "${label}introspection" needs "${label}clientSecret" or "${label}clientKeys": an introspection endpoint answers authenticated clients ` +
      'alone. Set one of them, or leave "introspection" out.',
  );
}

/** @throws {@link OidcConfigError} where one parameter is written twice. */
function checkResource({ resource, authorizationParameters }: ProviderEntry, label: string): void {
  if (resource === undefined || authorizationParameters?.['resource'] === undefined) return;
  throw new OidcConfigError(
    `Options "${label}resource" and "${label}authorizationParameters.resource" are both there. Keep the first: it goes with requests for tokens too.`,
  );
}

/** @throws {@link OidcConfigError} where no login could end. */
function checkResponseMode(
  { responseMode }: ProviderEntry,
  { crossSiteCookies }: SharedOptions,
  label: string,
): void {
  if (responseMode !== 'form_post' || crossSiteCookies) return;
  throw new OidcConfigError(
    `Option "${label}responseMode" is "form_post", and browsers bring the login cookie back with it only where "publicUrl" is https or loopback. ` +
      'Set "publicUrl" to such an address, or leave "responseMode" out.',
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
  checkResource(given, label);
  checkResponseMode(given, shared, label);
  const { timeoutMs, maxUpstreamCalls, fetch } = complete(CallGroup, {
    ...shared,
    ...written(given),
  });
  const { claims, clientSecret, ...options } = complete(EntryGroup, given);
  const { allowInsecureHttp, clockToleranceSec, jwksStaleSec, jwksCooldownSec } = complete(
    ApplicationGroup,
    shared,
  );
  const discovery = discoveryAddress(options.discoveryUrl);
  const { audience, clientId, offlineAccess, tokenScopes } = options;
  const scopes = [...new Set(['openid', ...scopeList(options.scopes)])];
  return {
    ...options,
    name,
    title: options.title ?? name,
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    clientKeys: resolveClientKeys(options.clientKeys, `${label}clientKeys`),
    discoveryUrl: discovery.url,
    expectedIssuers: options.issuer === undefined ? discovery.issuers : [options.issuer],
    accessTokenIssuers: options.accessTokenIssuers ?? (shared.several ? [] : undefined),
    introspection: resolveIntrospection(options.introspection),
    endpoints: options.endpoints ?? {},
    tenants: options.tenants ?? [],
    resource: [...new Set([options.resource].flat())],
    audience: typeof audience === 'string' ? [audience] : audience,
    scopes: offlineAccess ? scopes : scopes.filter((one) => one !== 'offline_access'),
    allowedScopes: [...scopes, 'offline_access', ...options.additionalScopes],
    claims: claims === undefined ? [] : parseClaimConstraint(claims, `${label}claims`),
    tokenScopes: tokenScopes === undefined ? undefined : scopeList(tokenScopes),
    roleClients: options.roleClients ?? [clientId],
    exchangeClients: options.exchangeClients ?? [clientId],
    fetch,
    timeoutMs,
    maxUpstreamCalls,
    allowInsecureHttp,
    clockToleranceSec,
    jwksStaleSec,
    jwksCooldownSec,
  };
}

/** What was written at all: `undefined` counts as left out. */
function written<T extends object>(given: T): Partial<T> {
  const copy: Partial<T> = { ...given };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) Reflect.deleteProperty(copy, name);
  }
  return copy;
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
