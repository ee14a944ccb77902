import type { SigningKeys } from '../keys/signing-keys.js';
import type { PublishedKey } from '../keys/signing-key.js';
import { PROOF_ALGORITHMS, takesProofs } from '../options/possession-options.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { Providers } from '../providers/providers.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { RouteName } from '../options/resolve-routes.js';

/**
 * No `authorization_endpoint`: the login route is for the callers of the wire contract, who take `state` as it comes back. A standard
 * client sends a `state` of its own, compares it, and would take the provider's code for ours.
 */
const ENDPOINTS: Readonly<Record<string, RouteName>> = {
  token_endpoint: 'token',
  userinfo_endpoint: 'userinfo',
  revocation_endpoint: 'revoke',
  end_session_endpoint: 'logout',
};

/** What a standard client can use, beside the login route. */
const GRANT_TYPES = {
  refresh: 'refresh_token',
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const;

/** What this application publishes of itself as an issuer, so that standard resource servers and clients need its address alone. */
export class BrokerDocuments {
  constructor(
    private readonly keys: SigningKeys,
    private readonly urls: PublicUrls,
    private readonly options: ResolvedOptions,
    private readonly providers: Pick<Providers, 'scopes'>,
    private readonly broker: ResolvedBrokerOptions,
  ) {}

  /** RFC 7517 §5. @throws {@link OAuthError} 503 while the keys were never read. */
  async jwks(): Promise<{ readonly keys: readonly PublishedKey[] }> {
    return { keys: await this.keys.published() };
  }

  /** RFC 8414 §2. */
  authorizationServer(): Readonly<Record<string, unknown>> {
    const { issuer, signingAlgorithm, introspectionScope } = this.broker;
    const endpoints = Object.entries(ENDPOINTS).map(([member, route]) => [
      member,
      this.urls.url(route),
    ]);
    const introspection =
      introspectionScope === undefined ? undefined : this.urls.url('introspect');
    const { grants } = this.options;
    const deviceStart = grants.device ? this.urls.url('device') : undefined;
    const usable = { ...grants, device: deviceStart !== undefined };
    const offered = (['refresh', 'device', 'exchange'] as const).filter((name) => usable[name]);
    const members: Record<string, unknown> = {
      issuer,
      ...Object.fromEntries(endpoints),
      device_authorization_endpoint: deviceStart,
      ...(this.urls.url('revoke') === undefined
        ? {}
        : { revocation_endpoint_auth_methods_supported: ['none'] }),
      ...(introspection === undefined
        ? {}
        : {
            introspection_endpoint: introspection,
            introspection_endpoint_auth_methods_supported: ['Bearer'],
          }),
      jwks_uri: this.urls.url('jwks'),
      dpop_signing_alg_values_supported: takesProofs(this.options) ? PROOF_ALGORITHMS : undefined,
      scopes_supported: this.providers.scopes(),
      response_types_supported: [], // a required member, although RFC 8414 §3.2 leaves empty lists out
      grant_types_supported: offered.map((name) => GRANT_TYPES[name]),
      token_endpoint_auth_methods_supported: ['none'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [signingAlgorithm],
    };
    return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  }
}
