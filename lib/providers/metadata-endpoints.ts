import { badUpstreamAnswer } from '../errors/oauth.error.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { isTrustworthyUrl, parseUrl } from '../options/url-rules.js';
import { isRecord } from '../options/value-rules.js';

/** The members of the metadata that name an address of the provider's, by our names for them. */
export const ENDPOINT_MEMBERS = {
  authorization: 'authorization_endpoint',
  token: 'token_endpoint',
  deviceAuthorization: 'device_authorization_endpoint',
  userinfo: 'userinfo_endpoint',
  revocation: 'revocation_endpoint',
  introspection: 'introspection_endpoint',
  pushedAuthorization: 'pushed_authorization_request_endpoint',
  endSession: 'end_session_endpoint',
  jwks: 'jwks_uri',
} as const;

export type EndpointName = keyof typeof ENDPOINT_MEMBERS;

const NAMES = [
  'authorization',
  'token',
  'deviceAuthorization',
  'userinfo',
  'revocation',
  'introspection',
  'pushedAuthorization',
  'endSession',
  'jwks',
] as const satisfies readonly EndpointName[];

export type Endpoints = Readonly<Partial<Record<EndpointName, string>>>;

/** A member of the metadata that is there and of no use. */
export interface UnusableMember {
  readonly member: string;
  /** Completes the sentence "… is not used: it …". */
  readonly problem: string;
  /** The option that takes its place. */
  readonly option: string;
}

/** Of a provider's address that goes into our redirects; most proxies give up on longer headers. */
const LONGEST_ADDRESS = 2000;

/** What is wrong with an address, or nothing. */
function problemOf(value: unknown, allowInsecureHttp: boolean): string | undefined {
  const url = parseUrl(value);
  if (typeof value !== 'string' || url === undefined) return 'is no absolute URL';
  if (value.length > LONGEST_ADDRESS) return `is longer than ${LONGEST_ADDRESS} characters`;
  if (isTrustworthyUrl(url, allowInsecureHttp)) return undefined;
  return url.protocol === 'http:' ? 'is http outside loopback' : 'is not https, or has credentials';
}

function overridesOf({ endpoints, jwksUri }: ResolvedProvider): Endpoints {
  const overrides: Partial<Record<EndpointName, string>> = {};
  for (const name of NAMES) {
    const address = name === 'jwks' ? jwksUri : endpoints[name];
    if (address !== undefined) overrides[name] = address;
  }
  return overrides;
}

/**
 * The addresses that the metadata names and the options override. `null` and an empty text count as absent; what cannot be
 * trusted is left out, and named beside.
 */
export function readEndpoints(
  document: Readonly<Record<string, unknown>>,
  options: ResolvedProvider,
): { endpoints: Endpoints; unusable: readonly UnusableMember[] } {
  const overrides = overridesOf(options);
  const endpoints: Partial<Record<EndpointName, string>> = { ...overrides };
  const unusable: UnusableMember[] = [];
  for (const name of NAMES) {
    const member = ENDPOINT_MEMBERS[name];
    const value = document[member] ?? '';
    if (overrides[name] !== undefined || value === '') continue;
    const problem = problemOf(value, options.allowInsecureHttp);
    const option = name === 'jwks' ? 'jwksUri' : `endpoints.${name}`;
    if (problem !== undefined) unusable.push({ member, problem, option });
    else if (typeof value === 'string') endpoints[name] = value;
  }
  return { endpoints, unusable };
}

/** Where clients with a certificate go instead (RFC 8705 §5), but for what the options override. */
export function mtlsAliases(
  document: Readonly<Record<string, unknown>>,
  options: ResolvedProvider,
): { aliases: Endpoints; unusable: readonly UnusableMember[] } {
  const { mtls_endpoint_aliases: published } = document;
  if (!isRecord(published)) return { aliases: {}, unusable: [] };
  const given = Object.keys(overridesOf(options));
  const { authorization: _browsers, endSession: _too, ...others } = ENDPOINT_MEMBERS;
  const asked = Object.entries(others).filter(([name]) => !given.includes(name));
  const wanted = Object.fromEntries(asked.map(([, member]) => [member, published[member]]));
  const { endpoints: aliases, unusable } = readEndpoints(wanted, {
    ...options,
    endpoints: {},
    jwksUri: undefined,
  });
  return { aliases, unusable };
}

/** The addresses under the names that the metadata has for them. */
export function toMembers(endpoints: Endpoints): Record<string, string> {
  const members: Record<string, string> = {};
  for (const name of NAMES) {
    const address = endpoints[name];
    if (address !== undefined) members[ENDPOINT_MEMBERS[name]] = address;
  }
  return members;
}

/** @throws {@link OAuthError} 502 when the metadata names no such address, or none that can be trusted. */
export function endpointOf({ endpoints }: { endpoints: Endpoints }, name: EndpointName): string {
  const address = endpoints[name];
  if (address !== undefined) return address;
  throw badUpstreamAnswer(`metadata without a usable ${ENDPOINT_MEMBERS[name]}`);
}
