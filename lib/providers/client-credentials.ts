import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { printable } from '../errors/printable.js';
import { isResource } from '../options/provider-rules.js';
import { isScopeList, isText } from '../options/value-rules.js';
import { provesItself, scopeList } from '../options/resolve-provider.js';
import type { IdentityProvider } from './identity-provider.js';
import type { Providers } from './providers.js';

/** What a token for the application's own calls is asked for with. */
export interface ClientCredentialsRequest {
  /** Name of the identity provider. Default: the one of requests that name none. */
  readonly provider?: string | undefined;
  /** Space separated or a list. Default: what the provider gives by itself. */
  readonly scope?: string | readonly string[] | undefined;
  /** For providers that want an `audience` (Auth0). */
  readonly audience?: string | undefined;
  /** What the token is for (RFC 8707). Default: the option `resource` of the provider. */
  readonly resource?: string | readonly string[] | undefined;
}

const METHOD = 'OidcService.clientCredentials()';

/** What each member must be, and how the mend says it. */
const RULES: readonly (readonly [
  member: keyof ClientCredentialsRequest,
  mend: string,
  holds: (value: unknown) => boolean,
])[] = [
  ['provider', 'must be the name of an identity provider', isText],
  ['scope', 'must be scopes separated by spaces, or a list of scopes', isScopeList],
  ['audience', 'must be a non-empty string', isText],
  ['resource', 'must be an absolute URI without a fragment, or a list of such URIs', isResource],
];

/** @throws {@link OidcConfigError} */
function check(request: ClientCredentialsRequest): void {
  const known: readonly string[] = RULES.map(([member]) => member);
  const unknown = Object.keys(request).find((member) => !known.includes(member));
  if (unknown !== undefined) {
    throw new OidcConfigError(
      `${METHOD} knows no "${printable(unknown)}". It knows ${known.join(', ')}.`,
    );
  }
  const wrong = RULES.find(
    ([member, , holds]) => request[member] !== undefined && !holds(request[member]),
  );
  if (wrong === undefined) return;
  const [member, mend] = wrong;
  const came = printable(JSON.stringify(request[member]));
  throw new OidcConfigError(`${METHOD}: "${member}" ${mend}; got ${came}.`);
}

/** Tokens for the application's own calls, of any of its providers. */
export class ClientCredentials {
  constructor(private readonly providers: Providers) {}

  /** @throws {@link OidcConfigError} for a mistake in the request; {@link OAuthError} 502, 503. */
  async token(request: ClientCredentialsRequest): Promise<string> {
    check(request);
    const { options, clientTokens } = await this.#provider(request.provider);
    if (!provesItself(options)) {
      throw new OidcConfigError(
        `${METHOD} needs "clientSecret" or "clientKeys" of the provider "${options.name}": a public client gets no token of its own (RFC 6749 §4.4).`,
      );
    }
    const { scope, audience, resource = options.resource } = request;
    const scopes = scope === undefined ? [] : scopeList(scope).toSorted();
    return clientTokens.get({
      scope: scopes.length === 0 ? undefined : scopes.join(' '),
      audience,
      resource: [...new Set([resource].flat())],
    });
  }

  async #provider(name: string | undefined): Promise<IdentityProvider> {
    try {
      return await this.providers.wanted(name);
    } catch (error) {
      if (!(error instanceof OAuthError) || error.getStatus() >= 500) throw error;
      const known = this.providers.known().map((provider) => provider.name);
      throw new OidcConfigError(
        `${METHOD}: there is no identity provider "${printable(name ?? 'default')}". Known: ${known.join(', ')}.`,
      );
    }
  }
}
