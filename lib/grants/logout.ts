import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcEvents } from '../events/oidc-events.js';
import { IdentityProvider } from '../idp/identity-provider.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

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
    private readonly events: OidcEvents,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Where to send the browser: the provider's end-session endpoint, or the target itself when there is none or the
   * provider cannot be reached.
   *
   * @throws {@link OAuthError} 400 `invalid_request` for a target that is not allowed, before anything is asked.
   */
  async start({ postLogoutRedirectUri: target, state }: LogoutRequest): Promise<string> {
    if (target !== undefined && !this.#isAllowed(target)) {
      throw new OAuthError('invalid_request', 'post_logout_redirect_uri is not allowed');
    }
    // A listed URL is sent as it was listed: providers compare exactly.
    const absolute = target?.startsWith('/') ? this.urls.absolute(target) : target;
    const url = await this.provider.endSessionUrl({
      ...(absolute === undefined ? {} : { post_logout_redirect_uri: absolute }),
      ...(state === undefined ? {} : { state }),
    });
    this.events.emit('logout', { provider: this.provider.name });
    return url ?? withState(target ?? '/', state);
  }

  #isAllowed(target: string): boolean {
    if (target === '/' || this.options.allowedPostLogoutRedirectUris.includes(target)) return true;
    return target === this.urls.absolute('/');
  }
}

/** What the identity provider would have done: hand the state back (RP-Initiated Logout §3). */
function withState(target: string, state: string | undefined): string {
  if (state === undefined) return target;
  const [address = '', ...fragment] = target.split('#');
  const query = `${address.includes('?') ? '&' : '?'}${new URLSearchParams({ state }).toString()}`;
  return [address + query, ...fragment].join('#');
}
