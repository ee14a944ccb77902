import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { withoutDetails } from '../errors/shown-value.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import { gave } from '../providers/provider-identity.js';
import type { Providers } from '../providers/providers.js';
import { logoutParametersFor } from '../options/logout-parameters.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { CallersSession, CallersToken, EndedSession } from './callers-session.js';

/** The query of the logout route (OpenID Connect RP-Initiated Logout §2). */
export interface LogoutRequest {
  readonly postLogoutRedirectUri?: string | undefined;
  /** Passed on, and returned by the identity provider. */
  readonly state?: string | undefined;
  /** Name of the identity provider, where there are several and no session says it. */
  readonly provider?: string | undefined;
}

/** Sends browsers to the identity provider's logout and from there to an allowed target. */
export class Logout {
  constructor(
    private readonly providers: Providers,
    private readonly urls: PublicUrls,
    private readonly session: CallersSession,
    private readonly events: OidcEvents,
    private readonly options: ResolvedOptions,
  ) {}

  /**
   * Where to send the browser: the provider's end-session endpoint, or the target itself when there is none or the
   * provider cannot be reached.
   *
   * @param caller an access token of ours, whose session ends and tells the provider whom to log out; or what ends the session.
   * @throws {@link OAuthError} 400 `invalid_request` for a target that is not allowed, before anything is asked; 401 for a token without
   * the proof that it needs; 503 when the session cannot be ended.
   */
  async start(
    { postLogoutRedirectUri: target, state, provider: named }: LogoutRequest,
    caller?: CallersToken | (() => Promise<EndedSession | undefined>),
  ): Promise<string> {
    if (target !== undefined && !this.#isAllowed(target)) {
      throw this.#notAllowed(target);
    }
    // A listed URL is sent as it was listed: providers compare exactly.
    const absolute = target?.startsWith('/') ? this.urls.absolute(target) : target;
    const wanted = named === undefined ? undefined : await this.providers.wanted(named);
    const ended = await (typeof caller === 'object' ? this.session.end(caller) : caller?.());
    const provider =
      ended === undefined
        ? (wanted ?? (await this.providers.wanted(undefined)))
        : await this.#providerOf(ended);
    const idToken = ended?.idToken;
    const url = await provider?.endSessionUrl({
      ...logoutParametersFor(
        provider.options.logoutParameters,
        absolute ?? this.urls.absolute('/'),
      ),
      ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      ...(absolute === undefined ? {} : { post_logout_redirect_uri: absolute }),
      ...(state === undefined ? {} : { state }),
    });
    this.events.emit('logout', { provider: provider?.name ?? ended?.provider ?? '' });
    return url ?? withState(this.urls.local(target ?? '/'), state);
  }

  /** `undefined` when it is gone, or another one has its name: nobody else is told of its users. */
  async #providerOf({
    provider: name,
    givenBy,
  }: EndedSession): Promise<IdentityProvider | undefined> {
    const provider = await this.providers.find(name);
    return provider && gave(provider, givenBy) ? provider : undefined;
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

/** What the identity provider would have done: hand the state back (RP-Initiated Logout §3). */
function withState(target: string, state: string | undefined): string {
  if (state === undefined) return target;
  const [address = '', ...fragment] = target.split('#');
  const query = `${address.includes('?') ? '&' : '?'}${new URLSearchParams({ state }).toString()}`;
  return [address + query, ...fragment].join('#');
}
