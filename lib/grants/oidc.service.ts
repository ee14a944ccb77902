import { Inject, Injectable } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import { OidcEvents, hashedId } from '../events/oidc-events.js';
import { type DeviceAuthorization, IdentityProvider } from '../idp/identity-provider.js';
import type { LoginCookie, RequestCookies } from '../login/login-cookies.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type AuthRule, checkAuthRule } from '../tokens/auth-rule.js';
import { Authenticator } from '../tokens/authenticator.js';
import { type RequestHeaders, bearerToken } from '../tokens/bearer-token.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { AuthorizationCodeGrant, type FinishedLogin } from './authorization-code.grant.js';
import { Callback, type CallbackRequest } from './callback.js';
import { DeviceCodeGrant } from './device-code.grant.js';
import { Logout, type LogoutRequest } from './logout.js';
import { type TokenRequest, selectGrant } from './select-grant.js';
import { type LoginRedirect, type LoginRequest, StartLogin } from './start-login.js';
import { type TokenResponse, toTokenResponse } from './token-response.js';
import { type UserProfile, namesUser, toUserProfile } from './user-profile.js';

/** Tokens for the caller, and the login cookies to remove with them. */
export interface IssuedTokens {
  readonly tokens: TokenResponse;
  readonly cookies: readonly LoginCookie[];
}

/** A rule for code that asks for a token itself; whether it is optional is then up to that code. */
export type RequiredAuthRule = Omit<AuthRule, 'optional'>;

const NO_COOKIES: RequestCookies = new Map();

/**
 * What the routes do, one method each, for use without HTTP. All methods throw {@link OAuthError} with the status and
 * code that the route would answer with.
 */
@Injectable()
export class OidcService {
  constructor(
    private readonly startLogin: StartLogin,
    private readonly finishLogin: Callback,
    private readonly codeGrant: AuthorizationCodeGrant,
    private readonly deviceGrant: DeviceCodeGrant,
    private readonly startLogout: Logout,
    private readonly provider: IdentityProvider,
    private readonly authenticator: Authenticator,
    private readonly events: OidcEvents,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Begins a login.
   *
   * @param cookies of the browser's request; they keep the number of logins under way small.
   * @throws {@link OAuthError} 400 `invalid_request`, `invalid_scope`; 503 while the provider's metadata is unknown.
   */
  login(request: LoginRequest, cookies: RequestCookies = NO_COOKIES): Promise<LoginRedirect> {
    return this.startLogin.start(request, cookies);
  }

  /**
   * Finishes a login at our own callback.
   *
   * @throws {@link OAuthError} 400 `invalid_request` or the provider's error; 502, 503 when the provider fails.
   */
  async callback(request: CallbackRequest, cookies: RequestCookies): Promise<IssuedTokens> {
    return this.#issue(await this.finishLogin.finish(request, cookies));
  }

  /**
   * Serves the token route: code, refresh token or device code.
   *
   * @throws {@link OAuthError} 400 with the codes of RFC 6749 §5.2 and RFC 8628 §3.5; 502, 503 when the provider fails.
   */
  async token(request: TokenRequest, cookies: RequestCookies = NO_COOKIES): Promise<IssuedTokens> {
    const selected = selectGrant(request, this.options.grants);
    switch (selected.grant) {
      case 'authorizationCode':
        return this.#issue(await this.codeGrant.redeem(selected.code, request, cookies));
      case 'device':
        return this.#issue({
          answer: await this.deviceGrant.redeem(selected.deviceCode),
          cookies: [],
        });
      case 'refresh': {
        const answer = await this.provider.refresh(selected.refreshToken, request.scope);
        this.events.emit('refresh', { provider: this.provider.name });
        return this.#issue({ answer, cookies: [] });
      }
    }
  }

  /**
   * Starts a device login (RFC 8628 §3.1).
   *
   * @param scope space separated; replaces the module's scopes.
   * @throws {@link OAuthError} 400 `invalid_scope`; 503 when the provider has no device endpoint; 502 for its bad answer.
   */
  device({ scope }: { scope?: string | undefined } = {}): Promise<DeviceAuthorization> {
    return this.deviceGrant.start(scope);
  }

  /**
   * Where to send a browser to log out.
   *
   * @throws {@link OAuthError} 400 `invalid_request` for a target that is not allowed.
   */
  logout(request: LogoutRequest = {}): Promise<string> {
    return this.startLogout.start(request);
  }

  /**
   * The profile of an access token's user: from its own claims where they name the user, else from the provider.
   *
   * @throws {@link OAuthError} 401 `invalid_token`, 403 `insufficient_scope`; 502, 503 when the provider fails.
   */
  async userinfo(accessToken: string): Promise<UserProfile> {
    const claims = await this.verify(accessToken);
    if (namesUser(claims)) return toUserProfile(claims, claims.sub);
    const asked = await this.provider.userinfo(accessToken, claims.sub);
    return toUserProfile({ ...claims, ...asked }, claims.sub);
  }

  /**
   * Revokes a token at the provider (RFC 7009).
   *
   * @throws {@link OAuthError} 400 `unsupported_token_type` when the provider cannot; 502, 503 when it fails.
   */
  async revoke(token: string, tokenTypeHint?: string): Promise<void> {
    await this.provider.revoke(token, tokenTypeHint);
    this.events.emit('revoke', { provider: this.provider.name, token: hashedId(token) });
  }

  /**
   * Verifies an access token and holds it against a rule, as `@Auth()` does.
   *
   * @returns its claims, frozen.
   * @throws {@link OAuthError} 401 `invalid_token`, 403 `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  async verify(accessToken: string, rule: RequiredAuthRule = {}): Promise<IdTokenClaims> {
    return this.authenticator.authenticate(accessToken, checkAuthRule(rule));
  }

  /**
   * The same for a request of any kind: reads the bearer token from its headers (RFC 6750 §2.1).
   *
   * @throws {@link OAuthError} as {@link verify}; 400 `invalid_request` for two `Authorization` headers.
   */
  async authenticate(headers: RequestHeaders, rule: RequiredAuthRule = {}): Promise<IdTokenClaims> {
    return this.verify(bearerToken(headers), rule);
  }

  #issue({ answer, cookies }: FinishedLogin): IssuedTokens {
    return { tokens: toTokenResponse(answer, epochSeconds(this.clock)), cookies };
  }
}
