import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { ResolvedBrokerOptions } from './resolve-broker.js';
import { isText } from './value-rules.js';

const LONGEST_ISSUER = 2000;

/** Whatever a provider may write as `iss`: it is compared and never fetched, so any scheme will do. */
export function isIssuerList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (one) => isText(one) && one.length <= LONGEST_ISSUER && /^[\u0021-\u007e]+$/.test(one),
    )
  );
}

/**
 * No name may stand for two: a token of the provider's would pass for one of ours, or of a peer.
 *
 * @throws {@link OidcConfigError}
 */
export function checkAccessTokenIssuers(
  issuers: readonly string[],
  broker: ResolvedBrokerOptions | undefined,
): void {
  if (broker === undefined) return;
  const { issuer: own, trustedIssuers } = broker;
  const peers = typeof trustedIssuers === 'function' ? [] : trustedIssuers;
  const others = new Map<string, string>([
    ...peers.map((peer): [string, string] => [
      typeof peer === 'string' ? peer : peer.issuer,
      'listed in "broker.trustedIssuers" too',
    ]),
    [own, 'our own issuer ("broker.issuer")'],
  ]);
  for (const issuer of issuers) {
    const whose = others.get(issuer);
    if (whose === undefined) continue;
    throw new OidcConfigError(
      `Option "accessTokenIssuers" holds "${issuer}", which is ${whose}. List there only what the identity provider itself ` +
        'writes as "iss" of its access tokens.',
    );
  }
}
