import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { BrokerOptions, SigningAlgorithm } from './broker-options.js';
import type { OidcAuthOptions } from './oidc-auth-options.js';
import type { SeveralProvidersOptions } from './several-providers.js';
import { brokerDefaults, optionDefaults, withDefaults } from './option-defaults.js';
import type { ResolvedRoutes } from './resolve-routes.js';
import { resolveTrustedIssuers } from './trusted-issuer.js';

/** `broker`, checked and completed. */
export interface ResolvedBrokerOptions {
  readonly issuer: string;
  readonly audience: string;
  /** A function, so that the password in a URL does not show where options are printed. */
  readonly store: () => BrokerOptions['store'];
  /** As given: a list was checked at start-up, a function's answers are checked each time. */
  readonly trustedIssuers: NonNullable<BrokerOptions['trustedIssuers']>;
  readonly jwksPath: string;
  readonly accessTokenLifetimeSec: number;
  readonly refreshGraceSec: number;
  readonly sessionLifetimeSec: number;
  readonly sessionIdleSec: number;
  readonly purgeIntervalSec: number;
  readonly revocationPollSec: number;
  readonly signingAlgorithm: SigningAlgorithm;
  readonly keyLifetimeSec: number;
  readonly introspectionScope: string | undefined;
  readonly mapClaims: BrokerOptions['mapClaims'];
}

/** Half of what peers of ours read (a hundred). */
const MOST_KEYS_AT_ONCE = 50;

/** Checks `broker` beside the options that it depends on. @throws {@link OidcConfigError} */
export function checkBroker(
  options: OidcAuthOptions | SeveralProvidersOptions,
  routes: ResolvedRoutes,
): void {
  const { broker, publicUrl } = options;
  if (broker === undefined) return;
  if (publicUrl === undefined) {
    throw new OidcConfigError(
      'Option "publicUrl" is missing, and broker mode needs it: minted tokens name it as their issuer. Set it to the ' +
        'address of this application, e.g. "https://app.example.org".',
    );
  }
  if (routes.token === undefined) {
    throw new OidcConfigError(
      'Option "routes.token" is false, but in broker mode tokens come from that route alone. Leave it on, or leave "broker" out.',
    );
  }
  const lifetime = broker.accessTokenLifetimeSec ?? brokerDefaults.accessTokenLifetimeSec;
  const longest = options.maxTokenAgeSec ?? optionDefaults.maxTokenAgeSec;
  if (lifetime > longest) {
    throw new OidcConfigError(
      `Option "broker.accessTokenLifetimeSec" is ${lifetime}, more than "maxTokenAgeSec" (${longest}): the guard would refuse ` +
        'every minted token. Lower the first, or raise the second.',
    );
  }
  const ofKey = broker.keyLifetimeSec ?? brokerDefaults.keyLifetimeSec;
  if (lifetime > ofKey * MOST_KEYS_AT_ONCE) {
    throw new OidcConfigError(
      `Option "broker.keyLifetimeSec" is ${ofKey} and "broker.accessTokenLifetimeSec" ${lifetime}: more than ${MOST_KEYS_AT_ONCE} keys would ` +
        'have to be published until their tokens have expired, and peers read no key set of that size. Raise the first, or lower the second.',
    );
  }
  const algorithm = broker.signingAlgorithm ?? brokerDefaults.signingAlgorithm;
  if (options.providers !== undefined || options.tokenAlgorithms === undefined) return;
  if (!options.tokenAlgorithms.includes(algorithm)) {
    throw new OidcConfigError(
      `Option "tokenAlgorithms" lacks ${algorithm}, with which minted tokens are signed. Add it, or choose another "broker.signingAlgorithm".`,
    );
  }
}

/** Completes `broker`. @throws {@link OidcConfigError} for an unusable trusted issuer. */
export function resolveBroker(
  options: OidcAuthOptions | SeveralProvidersOptions,
): ResolvedBrokerOptions | undefined {
  if (options.broker === undefined) return undefined;
  const broker = withDefaults(brokerDefaults, options.broker);
  const issuer = broker.issuer ?? options.publicUrl ?? '';
  const { trustedIssuers } = broker;
  if (typeof trustedIssuers !== 'function') {
    const allowInsecureHttp = options.allowInsecureHttp ?? optionDefaults.allowInsecureHttp;
    resolveTrustedIssuers(trustedIssuers, { ownIssuer: issuer, allowInsecureHttp });
  }
  return {
    issuer,
    audience: broker.audience,
    store: () => broker.store,
    trustedIssuers:
      typeof trustedIssuers === 'function' ? trustedIssuers : structuredClone(trustedIssuers),
    jwksPath: broker.jwksPath,
    accessTokenLifetimeSec: broker.accessTokenLifetimeSec,
    refreshGraceSec: broker.refreshGraceSec,
    sessionLifetimeSec: broker.sessionLifetimeSec,
    sessionIdleSec: broker.sessionIdleSec,
    purgeIntervalSec: broker.purgeIntervalSec,
    revocationPollSec: broker.revocationPollSec,
    signingAlgorithm: broker.signingAlgorithm,
    keyLifetimeSec: broker.keyLifetimeSec,
    introspectionScope: broker.introspectionScope,
    mapClaims: broker.mapClaims,
  };
}
