import { BrokerGroup, type BrokerOptions } from './broker-options.js';
import { ApplicationGroup, type OidcAuthOptions } from './oidc-auth-options.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { SeveralProvidersOptions } from './several-providers.js';
import { type Complete, complete } from './option-group.js';
import type { ResolvedRoutes } from './resolve-routes.js';
import { resolveTrustedIssuers } from './trusted-issuer.js';

/** What is read in another form than it was written, or belongs to the provider. */
type Rewritten = 'exchangeClients' | 'issuer' | 'roleClients' | 'store' | 'subjectClaim';

/** `broker`, checked and completed. A list of trusted issuers was checked at start-up, a function's answers are checked each time. */
export interface ResolvedBrokerOptions extends Omit<Complete<BrokerOptions>, Rewritten> {
  readonly issuer: string;
  /** A function, so that the password in a URL does not show where options are printed. */
  readonly store: () => BrokerOptions['store'];
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
  const {
    accessTokenLifetimeSec: lifetime,
    keyLifetimeSec: ofKey,
    signingAlgorithm: algorithm,
  } = complete(BrokerGroup, broker);
  const { maxTokenAgeSec: longest } = complete(ApplicationGroup, options);
  if (lifetime > longest) {
    throw new OidcConfigError(
      `Option "broker.accessTokenLifetimeSec" is ${lifetime}, more than "maxTokenAgeSec" (${longest}): the guard would refuse ` +
        'every minted token. Lower the first, or raise the second.',
    );
  }
  if (lifetime > ofKey * MOST_KEYS_AT_ONCE) {
    throw new OidcConfigError(
      `Option "broker.keyLifetimeSec" is ${ofKey} and "broker.accessTokenLifetimeSec" ${lifetime}: more than ${MOST_KEYS_AT_ONCE} keys would ` +
        'have to be published until their tokens have expired, and peers read no key set of that size. Raise the first, or lower the second.',
    );
  }
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
  const {
    store,
    exchangeClients: _exchange,
    roleClients: _roles,
    subjectClaim: _subject,
    ...broker
  } = complete(BrokerGroup, options.broker);
  const issuer = broker.issuer ?? options.publicUrl ?? '';
  const { trustedIssuers } = broker;
  if (typeof trustedIssuers !== 'function') {
    const { allowInsecureHttp } = complete(ApplicationGroup, options);
    resolveTrustedIssuers(trustedIssuers, { ownIssuer: issuer, allowInsecureHttp });
  }
  return { ...broker, issuer, store: () => store };
}
