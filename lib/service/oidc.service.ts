import { Injectable } from '@nestjs/common';
import type { IntrospectionResponse } from '../documents/introspect.js';
import type { DiagnosisRequest } from '../diagnosis/diagnostics.js';
import type { Diagnosis } from '../diagnosis/finding.js';
import type { HealthReport } from '../diagnosis/health.js';
import { RefusalLog } from '../events/refusal-log.js';
import type { TokenRequest } from '../grants/select-grant.js';
import type { PublishedKey } from '../keys/signing-key.js';
import type { CallbackRequest } from '../login/callback.js';
import type { IssuedTokens } from '../login/issued-tokens.js';
import type { RequestCookies } from '../login/login-cookies.js';
import type { LoginRedirect, LoginRequest } from '../login/start-login.js';
import type { LogoutRequest } from '../logout/logout.js';
import type { ClientCredentialsRequest } from '../providers/client-credentials.js';
import type { PublishedClientKey } from '../providers/client-keys.js';
import type { DeviceAuthorization } from '../providers/device-login.js';
import type { DeviceRequest } from '../grants/device-code.grant.js';
import type { ListedProvider } from '../documents/provider-list.js';
import { checkAuthRule } from '../tokens/auth-rule.js';
import { Authenticator } from '../tokens/authenticator.js';
import type { RequestHeaders } from '../tokens/bearer-token.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { type IncomingRequest, credentialsOf, isIncoming } from '../tokens/incoming-request.js';
import { Possession } from '../tokens/possession.js';
import type { UserProfile } from '../users/user-profile.js';
import { type Caller, Callers } from './callers.js';
import { Mode } from './mode.js';
import { SessionService } from './session.service.js';
import type { RequiredAuthRule } from './required-auth-rule.js';

const NO_COOKIES: RequestCookies = new Map();
const ANY_TOKEN = checkAuthRule({});

/**
 * What the routes do, one method each, for use without HTTP. All methods throw {@link OAuthError} with the status and
 * code that the route would answer with.
 */
@Injectable()
export class OidcService extends SessionService {
  readonly #mode: Mode;
  readonly #authenticator: Authenticator;
  readonly #refusals: RefusalLog;
  readonly #callers: Callers;

  /** @internal */
  constructor(
    mode: Mode,
    authenticator: Authenticator,
    refusals: RefusalLog,
    possession: Possession,
  ) {
    super(mode);
    this.#mode = mode;
    this.#authenticator = authenticator;
    this.#refusals = refusals;
    this.#callers = new Callers(authenticator, possession);
  }

  /**
   * Begins a login.
   *
   * @param cookies of the browser's request; they keep the number of logins under way small.
   * @throws {@link OAuthError} 400 `invalid_request`, `invalid_scope`; 503 while the provider's metadata is unknown.
   */
  login(request: LoginRequest, cookies: RequestCookies = NO_COOKIES): Promise<LoginRedirect> {
    return this.#mode.logins.start.start(request, cookies);
  }

  /**
   * Finishes a login at our own callback.
   *
   * @throws {@link OAuthError} 400 `invalid_request` or the provider's error; 502, 503 when the provider fails.
   */
  async callback(request: CallbackRequest, cookies: RequestCookies): Promise<IssuedTokens> {
    return this.#mode.logins.callback.finish(request, cookies);
  }

  /**
   * Serves the token route: code, refresh token, device code, or in broker mode a subject token (RFC 8693).
   *
   * @throws {@link OAuthError} 400 with the codes of RFC 6749 §5.2 and RFC 8628 §3.5; 403 when the user may not log in; 502, 503
   * when the provider or the store fails.
   */
  async token(request: TokenRequest, cookies: RequestCookies = NO_COOKIES): Promise<IssuedTokens> {
    return this.#mode.grants.redeem(request, cookies);
  }

  /**
   * Starts a device login (RFC 8628 §3.1).
   *
   * @throws {@link OAuthError} 400 `invalid_scope`, `invalid_request` for an unknown provider; 503 when the provider has no device endpoint; 502 for its bad answer.
   */
  device(request: DeviceRequest = {}): Promise<DeviceAuthorization> {
    return this.#mode.logins.grants.device.start(request);
  }

  /**
   * Where to send a browser to log out.
   *
   * @param caller in broker mode, the access token of the caller, or the request that brings it: its session ends on every instance.
   * @throws {@link OAuthError} 400 `invalid_request` for a target that is not allowed; 401 for a token that is bound to a key, without its proof; 503 when the
   * session cannot be ended.
   */
  async logout(request: LogoutRequest = {}, caller?: Caller): Promise<string> {
    if (caller === undefined) return this.#mode.logout.start(request);
    return this.#mode.logout.start(request, this.#callers.tokenOf(caller));
  }

  /**
   * The profile of an access token's user: from its own claims where they name the user, in broker mode also from its session,
   * else from the provider.
   *
   * @param caller the access token, or the request that brings it, which may prove that it holds the token's key (RFC 9449).
   * @throws {@link OAuthError} 401 `invalid_token`, 403 `insufficient_scope`; 502, 503 when the provider fails.
   */
  async userinfo(caller: Caller): Promise<UserProfile> {
    const { identity, token } = await this.#callers.identify(caller, ANY_TOKEN);
    return this.#mode.profiles.of(identity, token);
  }

  /**
   * Revokes a token (RFC 7009): at the provider; in broker mode the token, and the session that it belongs to, here and there.
   *
   * @param provider with several, that of an opaque access token in passthrough mode: nothing else says it.
   * @throws {@link OAuthError} 400 `unsupported_token_type` when the provider cannot, `invalid_request` where nobody can tell which it is; 502,
   * 503 when it or the store fails.
   */
  revoke(token: string, hint?: string, provider?: string): Promise<void> {
    return this.#mode.revocation.revoke({ token, hint, provider });
  }

  /**
   * Broker mode: what a token is worth (RFC 7662).
   *
   * @param caller gives the caller's own access token, or the request that brings it; throws when there is none.
   * @throws {@link OAuthError} 404 without `broker.introspectionScope`; 401, 403 for the caller; 503.
   */
  async introspect(token: string, caller: () => Caller): Promise<IntrospectionResponse> {
    const { introspection } = this.#mode.brokerOnly;
    const callersRule = introspection.callersRule();
    await this.#callers.identify(caller(), callersRule);
    return introspection.introspect(token);
  }

  /**
   * Broker mode: ends the sessions that the provider says it has ended (OpenID Connect Back-Channel Logout 1.0).
   *
   * @throws {@link OAuthError} 400 `invalid_request` for a logout token that does not hold, also when provider or store fails: the
   * specification knows 200 and 400 only (§2.8). 404 in passthrough mode.
   */
  async backchannelLogout(logoutToken: string): Promise<void> {
    return this.#mode.brokerOnly.backchannelLogout.end(logoutToken);
  }

  /** Broker mode: the public keys of our tokens (RFC 7517 §5). @throws {@link OAuthError} 404, 503 */
  async jwks(): Promise<{ readonly keys: readonly PublishedKey[] }> {
    return this.#mode.brokerOnly.documents.jwks();
  }

  /** The public keys that this application proves itself to providers with (RFC 7517 §5). @throws {@link OAuthError} 404, 503 */
  clientJwks(): Promise<{ readonly keys: readonly PublishedClientKey[] }> {
    return this.#mode.clientKeySet.published();
  }

  /**
   * An access token of an identity provider for calls of the application's own, on nobody's behalf (RFC 6749 §4.4). It proves itself as for
   * logins. Kept until a minute before its end (half of a life of less than two minutes; a minute where the provider does not say), by what it is
   * for, the 100 last used of each provider; however many ask at once, the provider is asked once, and after a failure not again for a second
   * and more. No route gives it out.
   *
   * @throws {@link OidcConfigError} for an unknown provider and other mistakes in the request.
   * @throws {@link OAuthError} 502 when the provider refuses, 503 when it does not answer or this client is not registered for the grant.
   */
  clientCredentials(request: ClientCredentialsRequest = {}): Promise<string> {
    const work = () => this.#mode.clientCredentials.token(request);
    return this.#refusals.around('OidcService.clientCredentials', work, 'refused');
  }

  /** The identity providers, for login pages. @throws {@link OAuthError} 404, 503 */
  providers(): Promise<ListedProvider[]> {
    return this.#mode.providerList.list();
  }

  /**
   * What works now, for probes: see {@link HealthReport}. Remembered for 5 s; asks a provider or a trusted issuer for its keys every 30 s
   * at most, and ends within about 2 s. Never throws.
   */
  health(): Promise<HealthReport> {
    return this.#mode.health.report();
  }

  /**
   * Looks at providers, keys, store, trusted issuers, clocks, and the way through a proxy, for what does not work, and says the mend: see
   * {@link Diagnosis}. It sends the provider requests that mean nothing, so it is for people and deploys, not for probes. Never throws.
   *
   * @param request `accessToken`: one of the provider's, to be looked at where it gives none to the application itself.
   */
  diagnose(request: DiagnosisRequest = {}): Promise<Diagnosis> {
    return this.#mode.diagnose(request);
  }

  /**
   * Completes an OpenAPI document that `SwaggerModule.createDocument()` of `@nestjs/swagger` has made: adds the security scheme `oidc`
   * (OpenID Connect in passthrough mode, a bearer token in broker mode), adds up the rules of classes and handlers, names handlers that
   * only an `AuthGuard` on the whole application guards, and takes out routes that answer nothing.
   *
   * @returns the same document.
   */
  describe<Document extends object>(document: Document): Document {
    this.#mode.apiDocument.complete(document);
    return document;
  }

  /**
   * Verifies an access token and holds it against a rule, as `@Auth()` does.
   *
   * @returns its claims, frozen.
   * @throws {@link OAuthError} 401 `invalid_token`, 403 `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  async verify(accessToken: string, rule: RequiredAuthRule = {}): Promise<IdTokenClaims> {
    const checked = checkAuthRule(rule);
    const { claims } = await this.#refusals.around('OidcService.verify', () =>
      this.#authenticator.authenticate(accessToken, checked),
    );
    return claims;
  }

  /**
   * The same for a request of any kind: takes the access token from its headers (RFC 6750 §2.1), and the proof that it may need (RFC 9449 §7.1).
   *
   * @param request of Node, Express or Fastify, or what it is made of: `{ headers, method, url }`; of it as often as it is asked about, a proof is looked at
   * once. Headers alone do for bearer tokens.
   * @throws {@link OAuthError} as {@link verify}; 401 `invalid_dpop_proof`, `use_dpop_nonce`; 400 `invalid_request` for two `Authorization` headers.
   */
  async authenticate(
    request: RequestHeaders | IncomingRequest,
    rule: RequiredAuthRule = {},
  ): Promise<IdTokenClaims> {
    const checked = checkAuthRule(rule);
    const credentials = isIncoming(request) ? credentialsOf(request) : { headers: request };
    const { claims } = await this.#refusals.around('OidcService.authenticate', async () =>
      this.#authenticator.identify(credentials, checked),
    );
    return claims;
  }
}
