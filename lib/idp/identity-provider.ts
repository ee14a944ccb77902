import { Inject, Injectable } from '@nestjs/common';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  refreshTokenGrant,
  skipStateCheck,
  tokenRevocation,
} from 'openid-client';
import type { Deadline } from '../clock/deadline.js';
import { within } from '../clock/within.js';
import { OAuthError, badUpstreamAnswer, unavailable } from '../errors/oauth.error.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { type TokenIssuer, TokenIssuers } from '../tokens/verification-keys.js';
import { type LogoutTokenClaims, checkLogoutToken } from './check-logout-token.js';
import { type DeviceAuthorization, pollDeviceLogin, startDeviceLogin } from './device-login.js';
import { ProviderConnection } from './provider-connection.js';
import { mayIssue } from './provider-metadata.js';
import { type AnsweredTokens, receiveTokens } from './received-tokens.js';
import type { TokenAnswer } from './token-answer.js';
import { askUserinfo } from './userinfo.js';

/** The `cause` of a refusal because an answer is about another subject than it should be. */
export const OTHER_SUBJECT = 'another subject';

/** What a browser is sent to the provider with. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly prompt: string | undefined;
}

/** What came back from the provider, with what the pending login remembers of it. */
export interface CodeRedemption {
  readonly code: string;
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly scope: string;
}

/** A session's refresh at the provider. */
export interface SessionTokens {
  /** Of the login. */
  readonly user: UserIdentity;
  readonly refreshToken: string;
  /** What the session has: granted again, when the answer does not say otherwise (RFC 6749 §6). */
  readonly scope: string;
  readonly deadline: Deadline;
}

/** What can be asked of the identity provider, through openid-client. */
@Injectable()
export class IdentityProvider extends TokenIssuers {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly connection: ProviderConnection,
    private readonly events: OidcEvents,
  ) {
    super();
  }

  get name(): string {
    return this.connection.name;
  }

  async named(iss: string): Promise<TokenIssuer | undefined> {
    if (!mayIssue(iss, this.options)) return undefined; // without asking anybody
    const { issuers } = await this.connection.metadata();
    if (!issuers.includes(iss)) return undefined;
    return {
      kind: 'provider',
      issuer: iss,
      provider: this.connection.name,
      keys: this.connection.keys,
      algorithms: this.options.tokenAlgorithms,
      audience: this.options.audience,
      clientId: this.options.clientId,
      otherClientIds: this.options.broker?.exchangeClients ?? [],
      accessTokenMark: this.options.accessTokenMark,
      defaultDemands: this.options.claims,
      demands: [],
    };
  }

  override names(): readonly string[] {
    return this.options.expectedIssuers;
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
    if (!issuers.includes(iss)) throw badUpstreamAnswer('iss');
    return iss === publishedIssuer ? undefined : this.options.tenants[issuers.indexOf(iss)];
  }

  /** The secrets of a new login towards the provider (RFC 7636 §4.1, OpenID Connect Core §15.5.2). */
  newLoginSecrets(): { codeVerifier: string; nonce: string } {
    return { codeVerifier: randomPKCECodeVerifier(), nonce: randomNonce() };
  }

  /** Where to send the browser; always with PKCE S256, whatever the metadata says. */
  async authorizationUrl(request: AuthorizationRequest): Promise<string> {
    const parameters = {
      ...this.options.authorizationParameters,
      redirect_uri: request.redirectUri,
      scope: request.scope,
      state: request.state,
      nonce: request.nonce,
      code_challenge: await calculatePKCECodeChallenge(request.codeVerifier),
      code_challenge_method: 'S256',
      ...(request.prompt === undefined ? {} : { prompt: request.prompt }),
    };
    return this.connection.ask(
      'authorization',
      async (configuration) => buildAuthorizationUrl(configuration, parameters).href,
    );
  }

  /**
   * Holds `iss` of an authorization response against the provider (RFC 9207 §2.4).
   *
   * @throws {@link OAuthError} 400 `invalid_request`
   */
  async checkCallbackIssuer(iss: string | undefined): Promise<void> {
    const metadata = await this.connection.metadata();
    const required = metadata.advertisesCallbackIssuer && this.options.requireIssuerInCallback;
    const right =
      iss === undefined
        ? !required
        : iss === metadata.publishedIssuer || metadata.issuers.includes(iss);
    if (right) return;
    throw new OAuthError('invalid_request', 'The response is not from the expected issuer');
  }

  /** Exchanges a code; the ID token is required and fully validated (OpenID Connect Core §3.1.3). */
  async redeemCode(redemption: CodeRedemption): Promise<TokenAnswer> {
    await this.prepare();
    const { publishedIssuer } = await this.connection.metadata();
    const currentUrl = new URL(redemption.redirectUri);
    currentUrl.searchParams.set('code', redemption.code);
    currentUrl.searchParams.set('iss', publishedIssuer);
    const answer = await this.connection.ask('token', (configuration) =>
      authorizationCodeGrant(configuration, currentUrl, {
        pkceCodeVerifier: redemption.codeVerifier,
        expectedNonce: redemption.nonce,
        expectedState: skipStateCheck, // the sealed handle is the check
        idTokenExpected: true,
      }),
    );
    return receiveTokens(this.connection, answer, { scope: redemption.scope });
  }

  /**
   * Refreshes the tokens of a session: an ID token in the answer must be of the same issuer, subject and audience as
   * the one of the login (OpenID Connect Core §12.2). One that cannot be checked in time, for want of keys, is left out: the
   * other tokens must not be lost.
   *
   * @throws {@link OAuthError} as {@link refresh}; with the cause {@link OTHER_SUBJECT} when the ID token is somebody else's.
   */
  async refreshOf({ user, refreshToken, scope, deadline }: SessionTokens): Promise<TokenAnswer> {
    const otherParty = (error: unknown): never => {
      throw isOfOtherParty(error) ? this.#otherSubject(user.sub) : error;
    };
    const answer = await this.#refreshed(refreshToken, {}, deadline).catch(otherParty);
    const claims = answer.claims();
    const same = claims === undefined || (claims.iss === user.iss && claims.sub === user.sub);
    if (!same) throw this.#otherSubject(user.sub);
    const read = (idToken: 'checked' | 'left out') =>
      receiveTokens(this.connection, answer, { scope, refreshToken, idToken });
    try {
      return await within(deadline.leftMs() / 2, read('checked'));
    } catch (error) {
      if (error instanceof OAuthError && error.getStatus() !== 503) return otherParty(error);
      return read('left out');
    }
  }

  #otherSubject(subject: string): OAuthError {
    this.events.emit('subject-mismatch', { provider: this.name, subject: hashedId(subject) });
    return badUpstreamAnswer(OTHER_SUBJECT);
  }

  /** Without a new refresh token in the answer the presented one stays good (RFC 6749 §6), and is given back. */
  async refresh(refreshToken: string, scope: string | undefined): Promise<TokenAnswer> {
    const answer = await this.#refreshed(refreshToken, scope === undefined ? {} : { scope });
    return receiveTokens(this.connection, answer, { scope, refreshToken });
  }

  async #refreshed(
    refreshToken: string,
    parameters: Record<string, string>,
    deadline?: Deadline,
  ): Promise<AnsweredTokens> {
    await this.prepare();
    if (deadline?.halfOver) throw unavailable('too late to begin a refresh');
    return this.connection.ask(
      'token',
      (configuration) => refreshTokenGrant(configuration, refreshToken, parameters),
      deadline,
    );
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
  async prepare(): Promise<void> {
    await this.connection.metadata();
    await this.connection.keys.prepare(); // a grant must not be spent on an ID token that nobody can check
  }

  /** Hands a token to the revocation endpoint (RFC 7009). @throws {@link OAuthError} 400 without such an endpoint. */
  async revoke(token: string, hint: string | undefined): Promise<void> {
    const { endpoints } = await this.connection.metadata();
    if (endpoints.revocation === undefined) {
      throw new OAuthError(
        'unsupported_token_type',
        'The identity provider offers no revocation; the token ends when it expires',
      );
    }
    const parameters = hint === undefined ? {} : { token_type_hint: hint };
    await this.connection.ask('revocation', (configuration) =>
      tokenRevocation(configuration, token, parameters),
    );
  }

  /** @throws {@link OAuthError} 400 `invalid_request` for a logout token that does not hold. */
  async readLogoutToken(logoutToken: string): Promise<LogoutTokenClaims> {
    return checkLogoutToken(logoutToken, await this.connection.expectation());
  }

  /**
   * Where to send the browser to log out at the provider (OpenID Connect RP-Initiated Logout §2), or `undefined` when
   * it offers no such place or cannot be reached.
   */
  async endSessionUrl(parameters: Readonly<Record<string, string>>): Promise<string | undefined> {
    const metadata = await this.connection.metadata().catch(() => undefined);
    if (metadata?.endpoints.endSession === undefined) return undefined;
    return buildEndSessionUrl(metadata.configuration, parameters).href;
  }
}

const OTHER_PARTY_CAUSES: readonly unknown[] = ['iss', 'sub', 'azp'];

/** Whether an ID token was refused because it is of another issuer, subject or audience. */
function isOfOtherParty(error: unknown): boolean {
  if (!(error instanceof OAuthError)) return false;
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause) {
    return cause.code === 'OAUTH_JWT_CLAIM_COMPARISON_FAILED';
  }
  return OTHER_PARTY_CAUSES.includes(cause);
}
