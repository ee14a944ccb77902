import { OidcConfigError } from '../errors/oidc-config.error.js';
import { discoveryAddress } from './discovery-address.js';
import type { ResolvedBrokerOptions } from './resolve-broker.js';
import { DEFAULT_PROVIDER, type ResolvedProvider } from './resolve-provider.js';

/** Why a provider cannot stand beside others: no token would tell which of two it is of. `undefined` when it can. */
export function twinOf(
  provider: ResolvedProvider,
  others: readonly ResolvedProvider[],
): string | undefined {
  const twin = others.find((other) => isSame(provider, other));
  if (twin === undefined) return undefined;
  return (
    `Options "providers.${twin.name}" and "providers.${provider.name}" have the same issuer, audience and client, so that no token would ` +
    'tell which of them it is of. Leave one out, or give them different clients and audiences.'
  );
}

/**
 * Why a provider cannot introspect beside others that do: a token that nobody can read must go to its own provider, and to no other one.
 * `undefined` when it can.
 */
export function introspectionConflict(
  { name, introspection }: ResolvedProvider,
  others: readonly ResolvedProvider[],
): string | undefined {
  if (introspection === undefined) return undefined;
  for (const other of others) {
    if (other.introspection === undefined) continue;
    const [one, two] = [introspection.match, other.introspection.match];
    const bare = one === undefined ? name : two === undefined ? other.name : undefined;
    if (bare !== undefined) {
      return (
        `Option "providers.${bare}.introspection.match" is missing, and "providers.${bare === name ? other.name : name}" introspects too. Set ` +
        'it to what opaque tokens of this provider begin with, so that none goes to the other.'
      );
    }
    if (typeof one !== 'string' || typeof two !== 'string') continue; // a token that two of them match is refused
    if (!one.startsWith(two) && !two.startsWith(one)) continue;
    return (
      `Options "providers.${other.name}.introspection.match" ("${two}") and "providers.${name}.introspection.match" ("${one}") overlap, so that ` +
      'a token could go to the wrong provider. Make them longer.'
    );
  }
  return undefined;
}

/**
 * Which name of another provider, of a trusted issuer or of ours a provider calls its own; `undefined` when it calls none.
 *
 * @param earlier of two that list the same further name, the first one keeps it.
 */
export function claimedIssuer(
  provider: ResolvedProvider,
  others: readonly ResolvedProvider[],
  earlier: readonly ResolvedProvider[],
  broker: ResolvedBrokerOptions | undefined,
): string | undefined {
  const { name, accessTokenIssuers } = provider;
  const isStranger = (other: ResolvedProvider): boolean => !sharesIssuer(provider, other);
  const tenancies = others.filter(isStranger);
  const rivals = earlier.filter(isStranger);
  for (const issuer of accessTokenIssuers ?? []) {
    const whose = ownerOf(issuer, { others, tenancies, rivals }, broker);
    if (whose === undefined) continue;
    const label = others.length === 0 && name === DEFAULT_PROVIDER ? '' : `providers.${name}.`;
    return (
      `Option "${label}accessTokenIssuers" holds "${issuer}", which is ${whose}. List there only what the identity provider itself ` +
      'writes as "iss" of its access tokens.'
    );
  }
  return undefined;
}

/**
 * Which provider's issuer another one calls its own, with keys from another place: its tokens would pass for those of the first.
 * `undefined` when it calls none.
 */
export function claimedKeys(
  provider: ResolvedProvider,
  others: readonly ResolvedProvider[],
): string | undefined {
  const { name, jwksUri } = provider;
  if (isAtHome(provider)) return undefined;
  const owner = others.find(
    (other) => sharesIssuer(provider, other) && keySource(provider) !== keySource(other),
  );
  if (owner === undefined) return undefined;
  const what =
    jwksUri === undefined
      ? `Option "providers.${name}.issuer" is "${provider.issuer}", which is that of "providers.${owner.name}", and "discoveryUrl" is another address.`
      : `Option "providers.${name}.jwksUri" is another place for the keys of "providers.${owner.name}", which has the same issuer.`;
  return `${what} Write "discoveryUrl", "issuer" and "jwksUri" alike in both, if they are one identity provider.`;
}

function sharesIssuer(one: ResolvedProvider, other: ResolvedProvider): boolean {
  return one.expectedIssuers.some((issuer) => other.expectedIssuers.includes(issuer));
}

/** Whether the issuer's own address says which its keys are. */
function isAtHome({ discoveryUrl, expectedIssuers, jwksUri }: ResolvedProvider): boolean {
  const { issuers } = discoveryAddress(discoveryUrl);
  return jwksUri === undefined && expectedIssuers.some((issuer) => issuers.includes(issuer));
}

function keySource({ discoveryUrl, jwksUri = '' }: ResolvedProvider): string {
  return `${discoveryUrl} ${jwksUri}`;
}

function audienceText({ audience }: ResolvedProvider): string {
  return audience === false ? 'false' : audience.toSorted().join(' ');
}

function isSame(one: ResolvedProvider, other: ResolvedProvider): boolean {
  return (
    sharesIssuer(one, other) &&
    one.clientId === other.clientId &&
    audienceText(one) === audienceText(other)
  );
}

/** No name may stand for two: a token of the provider's would pass for one of somebody else. */
function ownerOf(
  issuer: string,
  {
    others,
    tenancies,
    rivals,
  }: Readonly<Record<'others' | 'tenancies' | 'rivals', readonly ResolvedProvider[]>>,
  broker: ResolvedBrokerOptions | undefined,
): string | undefined {
  const other = others.find(({ expectedIssuers }) => expectedIssuers.includes(issuer));
  if (other !== undefined) return `the issuer of "providers.${other.name}"`;
  const shared = tenancies.find(({ tenants }) => tenants.some((tenant) => issuer.includes(tenant)));
  if (shared !== undefined) return `of a tenant of "providers.${shared.name}"`;
  const rival = rivals.find(({ accessTokenIssuers }) => accessTokenIssuers?.includes(issuer));
  if (rival !== undefined) return `listed by "providers.${rival.name}" too`;
  if (broker === undefined) return undefined;
  if (issuer === broker.issuer) return 'our own issuer ("broker.issuer")';
  const { trustedIssuers } = broker;
  if (typeof trustedIssuers === 'function') return undefined;
  const isPeer = trustedIssuers.some(
    (peer) => (typeof peer === 'string' ? peer : peer.issuer) === issuer,
  );
  return isPeer ? 'listed in "broker.trustedIssuers" too' : undefined;
}

/** @throws {@link OidcConfigError} for providers that cannot stand beside each other, our issuer and trusted ones. */
export function checkAgainstEachOther(
  list: readonly ResolvedProvider[],
  broker: ResolvedBrokerOptions | undefined,
): void {
  for (const [index, provider] of list.entries()) {
    const others = list.filter((_, at) => at !== index);
    const conflict =
      twinOf(provider, list.slice(0, index)) ??
      introspectionConflict(provider, list.slice(0, index)) ??
      claimedKeys(provider, others) ??
      claimedIssuer(provider, others, list.slice(0, index), broker);
    if (conflict !== undefined) throw new OidcConfigError(conflict);
  }
}
