import { OTHER_SUBJECT, OTHER_PARTIES } from './other-parties.js';
import type { Clock } from '../clock/clock.js';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { KeySource } from '../http/remote-key-set.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { scopeWithin } from '../tokens/scopes.js';
import { type Introspection, type TokenIssuer, TokenIssuers } from '../tokens/verification-keys.js';
import { type AuthorizationRequest, AuthorizationRequests } from './authorization-requests.js';
import { type LogoutTokenClaims, checkLogoutToken } from './check-logout-token.js';
import { type CodeRedemption, redeemCode } from './code-login.js';
import { ClientTokens } from './client-tokens.js';
import { type DeviceAuthorization, pollDeviceLogin, startDeviceLogin } from './device-login.js';
import { endSessionUrl } from './end-session-url.js';
import { openidClient } from './openid-client.js';
import type { ProviderConnection } from './provider-connection.js';
import { ProviderIntrospection } from './provider-introspection.js';
import { identityOf } from './provider-identity.js';
import { identityIssuer, mayIssue } from './provider-issuers.js';
import { type SessionTokens, refreshTokens, refreshSession } from './refreshed-tokens.js';
import { providersIssuer } from './providers-issuer.js';
import type { TokenAnswer } from './token-answer.js';
import { askUserinfo } from './userinfo.js';

/** What can be asked of one identity provider, through openid-client. Made from its own options alone. */
export class IdentityProvider extends TokenIssuers {
  /** Where the option is on. */
  readonly introspection: ProviderIntrospection | undefined;
  /** Those of the application itself. */
  readonly clientTokens: ClientTokens;
  readonly #requests: AuthorizationRequests;
  /** Tells it from another one that comes under its name. */
  readonly identity: string;
  /** Under each name that it has had. */
  readonly #issuers = new Map<string, TokenIssuer>();
  #retired = false;

  constructor(
    readonly options: ResolvedProvider,
    private readonly connection: ProviderConnection,
    private readonly events: OidcEvents,
    clock: Clock,
  ) {
    super();
    this.#requests = new AuthorizationRequests(connection, options);
    this.clientTokens = new ClientTokens(connection, clock);
    const { introspection: asked, maxUpstreamCalls: most } = options;
    const named = (iss: string): Promise<TokenIssuer | undefined> => this.named(iss);
    this.introspection = asked && new ProviderIntrospection(connection, clock, asked, most, named);
    this.identity = identityOf(options);
  }

  /** It is gone, or another one has its name: its tokens, which may be remembered, are taken no more. */
  retire(): void {
    this.#retired = true;
  }

  get name(): string {
    return this.connection.name;
  }

  async named(iss: string): Promise<TokenIssuer | undefined> {
    if (!mayIssue(iss, this.options, this.connection.knownMetadata())) return undefined;
    const { issuers, accessTokenIssuers } = await this.connection.metadata();
    if (!issuers.includes(iss) && !accessTokenIssuers.includes(iss)) return undefined;
    const known = this.#issuers.get(iss);
    if (known !== undefined) return known;
    const { introspection } = this;
    const always = introspection?.always === true ? introspection : undefined;
    const made = providersIssuer(iss, this.options, this.connection.keys, always);
    const issuer = { ...made, accepts: () => !this.#retired };
    this.#issuers.set(iss, issuer);
    return issuer;
  }

  override async introspectionOf(token: string): Promise<Introspection | undefined> {
    return this.introspection?.matches(token) === true ? this.introspection : undefined;
  }

  override names(): readonly string[] {
    const { accessTokenIssuers, expectedIssuers } = this.options;
    const further = accessTokenIssuers ?? this.connection.knownMetadata()?.accessTokenIssuers;
    return [...expectedIssuers, ...(further ?? [])];
  }

  /** The issuers that it may write; one, unless tenants share it. @throws {@link OAuthError} 502, 503 while unknown. */
  async issuers(): Promise<readonly string[]> {
    return (await this.connection.metadata()).issuers;
  }

  /**
   * The tenant that an issuer of this provider stands for; `undefined` when no tenants share it.
   *
   * @throws {@link OAuthError} 502, 503 while the metadata are unknown; 502 for an issuer that is none of its own.
   */
  async tenantOf(iss: string): Promise<string | undefined> {
    const { issuers, publishedIssuer } = await this.connection.metadata();
    const issuer = await this.identityIssuer(iss);
    return issuer === publishedIssuer ? undefined : this.options.tenants[issuers.indexOf(issuer)];
  }

  /**
   * The issuer of a user's identity: that of ID tokens, also where an access token names another one (`accessTokenIssuers`).
   *
   * @throws {@link OAuthError} 502, 503 while the metadata are unknown; 502 for an issuer that is none of its own.
   */
  async identityIssuer(iss: string): Promise<string> {
    const issuer = identityIssuer(iss, await this.connection.metadata(), this.options);
    if (issuer === undefined) throw badUpstreamAnswer('an issuer that is none of its own');
    return issuer;
  }

  /** Whether it answers. */
  get source(): KeySource {
    return this.connection;
  }

  /** Where to send the browser. */
  authorizationUrl(request: AuthorizationRequest): Promise<string> {
    return this.#requests.url(request);
  }

  /** Those of a list of scopes that its tokens may carry here. */
  limitedScope(scope: string): string {
    const { tokenScopes } = this.options;
    return tokenScopes === undefined ? scope : scopeWithin(scope, tokenScopes.join(' '));
  }

  /** Whether its authorization responses say who sent them (RFC 9207 §3). @throws {@link OAuthError} 502, 503 while unknown. */
  async sendsIssuer(): Promise<boolean> {
    return (await this.connection.metadata()).advertisesCallbackIssuer;
  }

  /** Whether that is its name in authorization responses. @throws {@link OAuthError} 502, 503 while unknown. */
  async isIssuer(iss: string): Promise<boolean> {
    const { publishedIssuer, issuers } = await this.connection.metadata();
    return iss === publishedIssuer || issuers.includes(iss);
  }

  /**
   * Holds `iss` of an authorization response against the provider (RFC 9207 §2.4).
   *
   * @throws {@link OAuthError} 400 `invalid_request`
   */
  async checkCallbackIssuer(iss: string | undefined): Promise<void> {
    const metadata = await this.connection.metadata();
    const required = metadata.advertisesCallbackIssuer && this.options.requireIssuerInCallback;
    if (iss === undefined ? !required : await this.isIssuer(iss)) return;
    throw new OAuthError('invalid_request', 'The response is not from the expected issuer');
  }

  /** Exchanges a code; the ID token is required and fully validated (OpenID Connect Core §3.1.3). */
  redeemCode(redemption: CodeRedemption): Promise<TokenAnswer> {
    return redeemCode(this.connection, redemption);
  }

  /**
   * Refreshes the tokens of a session.
   *
   * @throws {@link OAuthError} as {@link refresh}; with one of {@link OTHER_PARTIES} for its cause when the ID token is somebody
   * else's.
   */
  refreshOf(session: SessionTokens): Promise<TokenAnswer> {
    return refreshSession(this.connection, session, (party, reason) => {
      const subject = hashedId(session.user.sub);
      if (party === 'subject') return this.#otherSubject(session.user.sub);
      this.events.emit('id-token-mismatch', { provider: this.name, subject, reason });
      return badUpstreamAnswer(OTHER_PARTIES[party]);
    });
  }

  #otherSubject(subject: string): OAuthError {
    this.events.emit('subject-mismatch', { provider: this.name, subject: hashedId(subject) });
    return badUpstreamAnswer(OTHER_SUBJECT);
  }

  /** Without a new refresh token in the answer the presented one stays good (RFC 6749 §6), and is given back. */
  refresh(token: string, scope: string | undefined): Promise<TokenAnswer> {
    return refreshTokens(this.connection, token, scope);
  }

  /** @throws {@link OAuthError} 503 without a device endpoint, 502 for an answer that lacks what RFC 8628 §3.2 requires. */
  startDeviceLogin(scope: string): Promise<DeviceAuthorization> {
    return startDeviceLogin(this.connection, scope, this.options.allowInsecureHttp);
  }

  /** One poll (RFC 8628 §3.4). @throws {@link OAuthError} 400 with the codes of §3.5. */
  pollDeviceLogin(deviceCode: string): Promise<TokenAnswer> {
    return pollDeviceLogin(this.connection, deviceCode);
  }

  /**
   * The provider's claims about the bearer of an access token; `undefined` when it has no such endpoint or does not
   * take this token.
   *
   * @throws {@link OAuthError} 502 when they are about another subject (OpenID Connect Core §5.3.2).
   */
  userinfo(
    accessToken: string,
    subject: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    return askUserinfo(this.connection, { accessToken, subject }, () =>
      this.#otherSubject(subject),
    );
  }

  /** Makes sure that a grant can be redeemed. @throws {@link OAuthError} 502, 503 while metadata or keys are not there. */
  prepare(): Promise<void> {
    return this.connection.prepare();
  }

  /** Hands a token to the revocation endpoint (RFC 7009). @throws {@link OAuthError} 400 without such an endpoint. */
  async revoke(token: string, hint: string | undefined): Promise<void> {
    const { endpoints } = await this.connection.metadata();
    if (endpoints.revocation === undefined) {
      const text = 'The identity provider offers no revocation; the token ends when it expires';
      throw new OAuthError('unsupported_token_type', text);
    }
    const parameters = hint === undefined ? {} : { token_type_hint: hint };
    await this.connection.ask({ endpoint: 'revocation' }, (configuration, { tokenRevocation }) =>
      tokenRevocation(configuration, token, parameters),
    );
  }

  /** @throws {@link OAuthError} 400 `invalid_request` for a logout token that does not hold. */
  async readLogoutToken(logoutToken: string): Promise<LogoutTokenClaims> {
    const { requireExpInLogoutToken } = this.options;
    const expected = await this.connection.expectation();
    return checkLogoutToken(logoutToken, expected, requireExpInLogoutToken);
  }

  /**
   * Where to send the browser to log out at the provider (OpenID Connect RP-Initiated Logout §2), or `undefined` when
   * it offers no such place or cannot be reached.
   */
  async endSessionUrl(parameters: Readonly<Record<string, string>>): Promise<string | undefined> {
    const metadata = await this.connection.metadata().catch(() => undefined);
    if (metadata?.endpoints.endSession === undefined) return undefined;
    return endSessionUrl(await openidClient(), metadata.configuration, parameters);
  }
}
