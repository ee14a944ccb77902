import { randomBytes } from 'node:crypto';
import type { Configuration } from 'openid-client';
import { protocolWord } from '../errors/shown-value.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { isRecord } from '../options/value-rules.js';
import { requestUrl, requestWays } from './authorization-requests.js';
import {
  type OpenidClient,
  isChallengeError,
  isResponseBodyError,
  openidClient,
} from './openid-client.js';
import { readableAnswer } from './provider-answers.js';
import { type ProviderMetadata, discoverProvider } from './provider-metadata.js';
import { withResource } from './request-parameters.js';
import { toOAuthError } from './upstream-refusal.js';

/** What the token endpoint made of a request. */
export type TokenProbe =
  | { readonly accessToken: string }
  | {
      /** Of RFC 6749 §5.2; `undefined`: no OAuth answer. */
      readonly error: string | undefined;
      readonly clientRefused: boolean;
      readonly cause: unknown;
    };

/** What the authorization endpoint made of a request that lets it show no page (`prompt=none`). */
export interface AuthorizationProbe {
  readonly status: number;
  /** Where it sends the browser. */
  readonly location: URL | undefined;
  readonly page: string;
}

/**
 * Requests that mean nothing, to see what a provider makes of them: a code that nobody issued, a login that may show no page. For a
 * diagnosis; nothing of it is kept or reported as an event.
 */
export class ProviderProbes {
  readonly #configuration: Configuration;

  private constructor(
    private readonly options: ResolvedProvider,
    private readonly http: GuardedFetch,
    readonly metadata: ProviderMetadata,
    private readonly library: OpenidClient,
  ) {
    const { configuration } = metadata;
    configuration[library.customFetch] = async (url, { method, headers, body }) =>
      body instanceof URLSearchParams
        ? readableAnswer(await http.request(url, { method, headers, body }))
        : http.request(url, { method, headers });
    this.#configuration = configuration;
  }

  /** @throws {@link OAuthError} as `discoverProvider`. */
  static async open(options: ResolvedProvider, http: GuardedFetch): Promise<ProviderProbes> {
    const metadata = await discoverProvider(options, http);
    return new ProviderProbes(options, http, metadata, await openidClient());
  }

  /** Tries to redeem a code that nobody issued: who is known gets `invalid_grant`. */
  madeUpCode(redirectUri: string): Promise<TokenProbe> {
    return this.#ask('authorization_code', {
      code: randomBytes(16).toString('hex'),
      redirect_uri: redirectUri,
      code_verifier: this.library.randomPKCECodeVerifier(),
    });
  }

  /** An access token of the application's own (RFC 6749 §4.4), with what logins ask for. */
  clientCredentials(): Promise<TokenProbe> {
    const ofUsers = ['openid', 'profile', 'email', 'offline_access'];
    const scope = this.options.scopes.filter((one) => !ofUsers.includes(one)).join(' ');
    const { audience, resource } = this.options.authorizationParameters;
    const parameters = {
      ...(scope === '' ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
      ...(resource === undefined ? {} : { resource }),
    };
    return this.#ask('client_credentials', withResource(parameters, this.options.resource));
  }

  /** @throws {@link OAuthError} 502, 503 when there is no answer. */
  async authorization(redirectUri: string): Promise<AuthorizationProbe> {
    const { calculatePKCECodeChallenge, randomNonce, randomPKCECodeVerifier, randomState } =
      this.library;
    const parameters = {
      ...this.options.authorizationParameters,
      redirect_uri: redirectUri,
      scope: this.options.scopes.join(' '),
      state: randomState(),
      nonce: randomNonce(),
      code_challenge: await calculatePKCECodeChallenge(randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
      prompt: 'none',
    };
    let url: string;
    try {
      const ways = requestWays(this.options, this.metadata);
      const whole = withResource(parameters, this.options.resource);
      url = await requestUrl(this.#configuration, whole, ways);
    } catch (error) {
      if (!isResponseBodyError(error)) throw toOAuthError(error);
      const page = `${error.error} ${error.error_description ?? ''}`;
      return { status: error.status, location: undefined, page };
    }
    const headers = { accept: 'text/html,application/json' };
    const response = await this.http.answer(url, { headers });
    const location = response.headers.get('location');
    return {
      status: response.status,
      location: location === null ? undefined : parsed(location, url),
      page: await response.text(),
    };
  }

  async #ask(
    grant: string,
    parameters: Record<string, string> | URLSearchParams,
  ): Promise<TokenProbe> {
    try {
      const answer = await this.library.genericGrantRequest(this.#configuration, grant, parameters);
      return { accessToken: answer.access_token };
    } catch (error) {
      return refused(error);
    }
  }
}

function parsed(location: string, base: string): URL | undefined {
  return URL.canParse(location, base) ? new URL(location, base) : undefined;
}

function refused(error: unknown): TokenProbe {
  if (isChallengeError(error)) {
    return { error: 'invalid_client', clientRefused: true, cause: error };
  }
  if (!isResponseBodyError(error)) {
    return { error: undefined, clientRefused: false, cause: toOAuthError(error) };
  }
  // Keycloak says unauthorized_client for a wrong secret too, with 401.
  const clientRefused =
    error.error === 'invalid_client' ||
    (error.error === 'unauthorized_client' && error.status === 401);
  return { error: protocolWord(error.error), clientRefused, cause: error };
}

/** The discovery document as it came, with what its answer says of the provider's clock. */
export interface FetchedDiscovery {
  readonly status: number;
  /** `undefined` for what is no JSON object. */
  readonly document: Readonly<Record<string, unknown>> | undefined;
  /** Of the header `Date`. */
  readonly date: Date | undefined;
}

/** @throws {@link OAuthError} 502, 503 when there is no answer. */
export async function fetchDiscovery(
  { discoveryUrl }: ResolvedProvider,
  http: GuardedFetch,
): Promise<FetchedDiscovery> {
  const response = await http.document(discoveryUrl);
  const document: unknown = await response.json().catch(() => undefined);
  const date = new Date(response.headers.get('date') ?? '');
  return {
    status: response.status,
    document: isRecord(document) ? document : undefined,
    date: Number.isNaN(date.getTime()) ? undefined : date,
  };
}
