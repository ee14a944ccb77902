import { Inject, Injectable } from '@nestjs/common';
import {
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  genericGrantRequest,
  initiateDeviceAuthorization,
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
import { isTrustworthyUrl, parseUrl } from '../options/url-rules.js';
import { nestsTooDeep } from '../tokens/nesting.js';
import { type TokenIssuer, TokenIssuers } from '../tokens/verification-keys.js';
import type { LogoutTokenClaims } from './check-logout-token.js';
import { type IdTokenUse, ProviderConnection } from './provider-connection.js';
import { type ProviderMetadata, mayIssue } from './provider-metadata.js';
import type { TokenAnswer } from './token-answer.js';
import { isNoAnswer, rejectedClient } from './upstream-refusal.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const SUBJECT_DIFFERS = 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED';

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
  /** `sub` of the login. */
  readonly subject: string;
  readonly refreshToken: string;
  /** What the session has: granted again, when the answer does not say otherwise (RFC 6749 §6). */
  readonly scope: string;
  readonly deadline: Deadline;
}

/** RFC 8628 §3.2. */
export interface DeviceAuthorization {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete?: string;
  readonly expires_in: number;
  readonly interval: number;
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

  /** The issuers that it may write; one, unless tenants share it. @throws {@link OAuthError} 502, 503 while unknown. */
  async issuers(): Promise<readonly string[]> {
    return (await this.connection.metadata()).issuers;
  }

  /** The secrets of a new login towards the provider (RFC 7636 §4.1, OpenID Connect Core §15.5.2). */
  newLoginSecrets(): { codeVerifier: string; nonce: string } {
    return { codeVerifier: randomPKCECodeVerifier(), nonce: randomNonce() };
  }

  /** Where to send the browser; always with PKCE S256, whatever the metadata says. */
  async authorizationUrl(request: AuthorizationRequest): Promise<string> {
    const { configuration } = await this.connection.metadata();
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
    return this.connection.ask(async () => buildAuthorizationUrl(configuration, parameters).href);
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
    const metadata = await this.#ready();
    const currentUrl = new URL(redemption.redirectUri);
    currentUrl.searchParams.set('code', redemption.code);
    currentUrl.searchParams.set('iss', metadata.publishedIssuer);
    const answer = await this.connection.ask(() =>
      authorizationCodeGrant(metadata.configuration, currentUrl, {
        pkceCodeVerifier: redemption.codeVerifier,
        expectedNonce: redemption.nonce,
        expectedState: skipStateCheck, // the sealed handle is the check
        idTokenExpected: true,
      }),
    );
    return this.connection.read(answer, redemption.scope);
  }

  /**
   * Refreshes the tokens of a session: an ID token in the answer must be of the same issuer, subject and audience as
   * the one of the login (OpenID Connect Core §12.2). One that cannot be checked in time, for want of keys, is left out: the
   * other tokens must not be lost.
   *
   * @throws {@link OAuthError} as {@link refresh}; with the cause {@link OTHER_SUBJECT} when the ID token is somebody else's.
   */
  async refreshOf({ subject, refreshToken, scope, deadline }: SessionTokens): Promise<TokenAnswer> {
    const otherParty = (error: unknown): never => {
      throw isOfOtherParty(error) ? this.#otherSubject(subject) : error;
    };
    const answer = await this.#refreshed(refreshToken, {}, deadline).catch(otherParty);
    const claims = answer.claims();
    if (claims !== undefined && claims.sub !== subject) throw this.#otherSubject(subject);
    const read = (idToken: IdTokenUse) =>
      this.connection.read(answer, scope, refreshToken, idToken);
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
    return this.connection.read(answer, scope, refreshToken);
  }

  async #refreshed(
    refreshToken: string,
    parameters: Record<string, string>,
    deadline?: Deadline,
  ): Promise<TokenEndpointResponse & TokenEndpointResponseHelpers> {
    const { configuration } = await this.#ready();
    if (deadline?.halfOver) throw unavailable('too late to begin a refresh');
    return this.connection.ask(
      () => refreshTokenGrant(configuration, refreshToken, parameters),
      deadline,
    );
  }

  /** @throws {@link OAuthError} 503 without a device endpoint, 502 for an answer that lacks what RFC 8628 §3.2 requires. */
  async startDeviceLogin(scope: string): Promise<DeviceAuthorization> {
    const { configuration, offers } = await this.connection.metadata();
    if (!offers.device) {
      throw new OAuthError(
        'temporarily_unavailable',
        'The identity provider offers no device login',
      );
    }
    const answer = await this.connection.ask(() =>
      initiateDeviceAuthorization(configuration, { scope }),
    );
    for (const uri of [answer.verification_uri, answer.verification_uri_complete]) {
      if (uri === undefined) continue;
      const url = parseUrl(uri);
      if (url === undefined || !isTrustworthyUrl(url, this.options.allowInsecureHttp)) {
        throw badUpstreamAnswer('verification_uri');
      }
    }
    return {
      device_code: answer.device_code,
      user_code: answer.user_code,
      verification_uri: answer.verification_uri,
      ...(answer.verification_uri_complete === undefined
        ? {}
        : { verification_uri_complete: answer.verification_uri_complete }),
      expires_in: Math.floor(answer.expires_in),
      interval: Math.max(1, Math.ceil(answer.interval ?? 5)),
    };
  }

  /**
   * One poll; pending logins come back as {@link OAuthError} with the codes of RFC 8628 §3.5. A provider that does not answer,
   * or with nonsense, counts as busy: polling clients give up on everything that RFC does not name.
   */
  async pollDeviceLogin(deviceCode: string): Promise<TokenAnswer> {
    try {
      const { configuration } = await this.#ready();
      const answer = await this.connection.ask(() =>
        genericGrantRequest(configuration, DEVICE_GRANT, { device_code: deviceCode }),
      );
      return await this.connection.read(answer, undefined);
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      throw new OAuthError('slow_down', 'Poll less often', { cause: error });
    }
  }

  /**
   * The provider's claims about the bearer of an access token; `undefined` when it has no such endpoint or does not
   * take this token.
   *
   * @throws {@link OAuthError} 502 when they are about another subject (OpenID Connect Core §5.3.2).
   */
  async userinfo(
    accessToken: string,
    subject: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { configuration, offers } = await this.connection.metadata();
    if (!offers.userinfo) return undefined;
    try {
      const claims = { ...(await fetchUserInfo(configuration, accessToken, subject)) };
      if (nestsTooDeep(claims)) throw badUpstreamAnswer('userinfo is nested too deep');
      this.connection.clean(claims, 'userinfo');
      return claims;
    } catch (error) {
      if (rejectedClient(error) !== undefined) return undefined; // a 401 here is about the token
      if (error instanceof Error && 'code' in error && error.code === SUBJECT_DIFFERS) {
        throw this.#otherSubject(subject);
      }
      throw this.connection.refusal(error);
    }
  }

  /** Makes sure that a grant can be redeemed. @throws {@link OAuthError} 502, 503 while metadata or keys are not there. */
  async prepare(): Promise<void> {
    await this.#ready();
  }

  /** Metadata and keys: without both a grant would be spent on an ID token that nobody can check. */
  async #ready(): Promise<ProviderMetadata> {
    const metadata = await this.connection.metadata();
    await this.connection.keys.prepare();
    return metadata;
  }

  /** Hands a token to the revocation endpoint (RFC 7009). @throws {@link OAuthError} 400 without such an endpoint. */
  async revoke(token: string, hint: string | undefined): Promise<void> {
    const { configuration, offers } = await this.connection.metadata();
    if (!offers.revocation) {
      throw new OAuthError(
        'unsupported_token_type',
        'The identity provider offers no revocation; the token ends when it expires',
      );
    }
    const parameters = hint === undefined ? {} : { token_type_hint: hint };
    await this.connection.ask(() => tokenRevocation(configuration, token, parameters));
  }

  /** @throws {@link OAuthError} 400 `invalid_request` for a logout token that does not hold. */
  readLogoutToken(logoutToken: string): Promise<LogoutTokenClaims> {
    return this.connection.readLogoutToken(logoutToken);
  }

  /**
   * Where to send the browser to log out at the provider (OpenID Connect RP-Initiated Logout §2), or `undefined` when
   * it offers no such place or cannot be reached.
   */
  async endSessionUrl(parameters: Readonly<Record<string, string>>): Promise<string | undefined> {
    const metadata = await this.connection.metadata().catch(() => undefined);
    if (!metadata?.offers.endSession) return undefined;
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
