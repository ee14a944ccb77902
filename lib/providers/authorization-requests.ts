import type { Configuration } from 'openid-client';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import type { SigningClientKey } from './client-keys.js';
import { openidClient } from './openid-client.js';
import type { ProviderConnection } from './provider-connection.js';
import type { ProviderMetadata } from './provider-metadata.js';
import { PushedLogins, pushesNothing } from './pushed-login.js';
import { withResource } from './request-parameters.js';

/** What a browser is sent to the provider with. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly prompt: string | undefined;
  /** What the caller may decide, in the place of the host's fixed parameters. */
  readonly further?: Readonly<Record<string, string>>;
  /** The answer comes by POST. */
  readonly formPost?: boolean;
  /** HEAD or a prefetch: no login is pushed for it. */
  readonly speculative?: boolean;
}

/** How a request reaches the provider: in the address itself, unless one or both of these. */
export interface RequestWays {
  /** Signs it (RFC 9101). */
  readonly key: SigningClientKey | undefined;
  /** Handed over ahead of it (RFC 9126). */
  readonly pushed: boolean;
}

/** As the options say, else as the provider demands. @throws {@link OAuthError} 502 where nothing could sign. */
export function requestWays(
  { pushedAuthorizationRequests: when }: ResolvedProvider,
  { requiresPush, requestSignature: key }: ProviderMetadata,
): RequestWays {
  const pushed = when === 'when required' ? requiresPush : when === 'always';
  if (key !== 'missing') return { key, pushed };
  const mend = 'its metadata say so (require_signed_request_object), and there is no key';
  const cause = new Reason('the provider takes signed logins alone', {
    option: '"clientKeys"',
    mend,
  });
  throw badUpstreamAnswer(cause);
}

/** The whole request as a JWT for the issuer, which lives a minute. */
async function signed(
  configuration: Configuration,
  parameters: URLSearchParams,
  { key, header }: SigningClientKey,
): Promise<string> {
  const library = await openidClient();
  const url = await library.buildAuthorizationUrlWithJAR(configuration, parameters, key, {
    [library.modifyAssertion]: (given) => {
      Object.assign(given, header);
    },
  });
  return url.searchParams.get('request') ?? '';
}

/** Where to send the browser. */
export async function requestUrl(
  configuration: Configuration,
  parameters: URLSearchParams,
  { key, pushed }: RequestWays,
): Promise<string> {
  const { buildAuthorizationUrl, buildAuthorizationUrlWithPAR } = await openidClient();
  const request = key && (await signed(configuration, parameters, key));
  if (pushed) {
    const sent = request === undefined ? parameters : { request };
    return (await buildAuthorizationUrlWithPAR(configuration, sent)).href;
  }
  if (request === undefined) return buildAuthorizationUrl(configuration, parameters).href;
  // OpenID Connect Core §6.1 wants these two beside it; what counts is in the JWT (RFC 9101 §5).
  const scope = parameters.get('scope') ?? '';
  return buildAuthorizationUrl(configuration, { request, response_type: 'code', scope }).href;
}

/** Begins logins at a provider; always with PKCE S256, whatever the metadata says. */
export class AuthorizationRequests {
  readonly #pushed: PushedLogins;

  constructor(
    private readonly connection: ProviderConnection,
    private readonly options: ResolvedProvider,
  ) {
    this.#pushed = new PushedLogins(connection, options);
  }

  /** @throws {@link OAuthError} 502, 503 */
  async url(request: AuthorizationRequest): Promise<string> {
    const { calculatePKCECodeChallenge } = await openidClient();
    const { authorizationParameters, resource } = this.options;
    const parameters = withResource(
      {
        ...authorizationParameters,
        ...request.further,
        redirect_uri: request.redirectUri,
        scope: request.scope,
        state: request.state,
        nonce: request.nonce,
        code_challenge: await calculatePKCECodeChallenge(request.codeVerifier),
        code_challenge_method: 'S256',
        ...(request.prompt === undefined ? {} : { prompt: request.prompt }),
        ...(request.formPost === true ? { response_mode: 'form_post' } : {}),
      },
      resource,
    );
    const ways = requestWays(this.options, await this.connection.metadata());
    const build = (configuration: Configuration) => requestUrl(configuration, parameters, ways);
    if (!ways.pushed) return this.connection.ask({ endpoint: 'authorization' }, build);
    if (request.speculative === true) throw pushesNothing();
    return this.#pushed.url(build);
  }
}
