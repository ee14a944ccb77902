import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import type { SessionContent } from '../sessions/session-content.js';
import { Sessions, providerUserHash } from '../sessions/sessions.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { withoutDetails } from '../errors/shown-value.js';
import { OidcEvents } from '../events/oidc-events.js';
import { IdentityProvider } from '../providers/identity-provider.js';
import { logoutParametersFor } from '../options/logout-parameters.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { BrokerSession } from '../contract/broker-store.js';
import { OwnTokens } from './own-tokens.js';
import { Revoke } from './revoke.js';

/** The query of the logout route (OpenID Connect RP-Initiated Logout §2). */
export interface LogoutRequest {
  readonly postLogoutRedirectUri?: string | undefined;
  /** Passed on, and returned by the identity provider. */
  readonly state?: string | undefined;
}

/** Sends browsers to the identity provider's logout and from there to an allowed target. */
@Injectable()
export class Logout {
  constructor(
    private readonly provider: IdentityProvider,
    private readonly urls: PublicUrls,
    private readonly ownTokens: OwnTokens,
    private readonly sessions: Sessions,
    private readonly revocation: Revoke,
    private readonly events: OidcEvents,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Where to send the browser: the provider's end-session endpoint, or the target itself when there is none or the
   * provider cannot be reached.
   *
   * @param accessToken of ours: its session ends, and tells the provider whom to log out.
   * @throws {@link OAuthError} 400 `invalid_request` for a target that is not allowed, before anything is asked; 503 when the
   * session cannot be ended.
   */
  async start(
    { postLogoutRedirectUri: target, state }: LogoutRequest,
    accessToken?: string,
  ): Promise<string> {
    if (target !== undefined && !this.#isAllowed(target)) {
      throw this.#notAllowed(target);
    }
    // A listed URL is sent as it was listed: providers compare exactly.
    const absolute = target?.startsWith('/') ? this.urls.absolute(target) : target;
    const idToken = accessToken === undefined ? undefined : await this.#endSession(accessToken);
    const url = await this.provider.endSessionUrl({
      ...logoutParametersFor(this.options.logoutParameters, absolute ?? this.urls.absolute('/')),
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      ...(absolute === undefined ? {} : { post_logout_redirect_uri: absolute }),
      ...(state === undefined ? {} : { state }),
    });
    this.events.emit('logout', { provider: this.provider.name });
    return url ?? withState(this.urls.local(target ?? '/'), state);
  }

  /** The ID token of the session that was ended, for the hint. A token that is worth nothing ends nothing. */
  async #endSession(accessToken: string): Promise<string | undefined> {
    if (this.options.broker === undefined) return undefined;
    const claims = await this.ownTokens.read(accessToken);
    if (claims === 'foreign') {
      const mend = 'log out at the instance that issued it, with a token of ours, or with none';
      const cause = new Reason('the token is of another issuer', { mend });
      throw new OAuthError('invalid_request', 'The token belongs to no session here', { cause });
    }
    if (claims === undefined) return undefined;
    if (claims.sid === undefined) {
      await this.revocation.revoke(accessToken, undefined); // by exchange: the token is all there is
      return undefined;
    }
    const session = await this.sessions.find(claims.sid);
    if (session === undefined) return undefined;
    const content = await this.sessions.open(session);
    await this.sessions.end(session, 'logout'); // also one that cannot be decrypted
    return content && hintOf(session, content);
  }

  #notAllowed(target: string): OAuthError {
    const cause = new Reason('post_logout_redirect_uri is not allowed', {
      expected: ['/', ...this.options.allowedPostLogoutRedirectUris],
      came: withoutDetails(target),
      option: '"allowedPostLogoutRedirectUris"',
    });
    const text = 'post_logout_redirect_uri is not allowed';
    return new OAuthError('invalid_request', text, { cause });
  }

  #isAllowed(target: string): boolean {
    const { publicUrl, allowedPostLogoutRedirectUris } = this.options;
    if (target === '/' || allowedPostLogoutRedirectUris.includes(target)) return true;
    return target === publicUrl || target === this.urls.absolute('/');
  }
}

/** The session's ID token; one of somebody else, as the version before may have kept it, would log somebody else out. */
function hintOf(
  { providerSubjectHash }: BrokerSession,
  { provider: { idToken } }: SessionContent,
): string | undefined {
  if (idToken === undefined) return undefined;
  const { iss = '', sub = '' } = decodeJwt(idToken);
  return providerUserHash({ iss, sub }) === providerSubjectHash ? idToken : undefined;
}

/** What the identity provider would have done: hand the state back (RP-Initiated Logout §3). */
function withState(target: string, state: string | undefined): string {
  if (state === undefined) return target;
  const [address = '', ...fragment] = target.split('#');
  const query = `${address.includes('?') ? '&' : '?'}${new URLSearchParams({ state }).toString()}`;
  return [address + query, ...fragment].join('#');
}
