import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { withoutDetails } from '../errors/shown-value.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';
import { printable } from '../errors/printable.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { toCallbackError } from '../providers/upstream-refusal.js';
import type { BegunBrowserSession } from '../sessions/browser-sessions.js';
import type { BrowserLogin } from './browser-login.js';
import type { LoginClient } from './login-client.js';
import { type LoginCookie, LoginCookies, type RequestCookies } from './login-cookies.js';
import { type PendingLogin, type PendingLogins, equalSecrets, isOfLogin } from './pending-login.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { IssuedTokens } from './issued-tokens.js';
import type { LoginFinisher } from './login-finisher.js';
import { unknownLogin } from './unknown-login.js';

/** The authorization response as it reaches our callback (RFC 6749 §4.1.2, RFC 9207 §2). */
export interface CallbackRequest {
  /** At whose callback it arrived: each provider has its own. @defaultValue `'default'` */
  readonly provider?: string | undefined;
  readonly code?: string | undefined;
  readonly state?: string | undefined;
  readonly iss?: string | undefined;
  readonly error?: string | undefined;
  /** Whether it came by POST (option `responseMode`). @defaultValue `false` */
  readonly formPost?: boolean | undefined;
  /** Who sent it. */
  readonly client?: LoginClient | undefined;
}

/** A login that its provider has answered with a code. */
interface AnsweredCallback {
  readonly login: PendingLogin;
  readonly provider: IdentityProvider;
  readonly code: string;
  readonly client: LoginClient;
  readonly taken: () => OAuthError;
}

/** How logins end with a session in the browser. */
export interface BrowserEnd {
  readonly login: BrowserLogin;
  readonly finisher: LoginFinisher<BegunBrowserSession>;
}

/** A login that ended so. */
export interface FinishedInBrowser {
  readonly begun: BegunBrowserSession;
  /** A path below `publicUrl`, or a URL. */
  readonly returnTo: string;
  /** The login cookies to remove. */
  readonly cookies: readonly LoginCookie[];
}

function refused(cause: Reason): OAuthError {
  const text = 'The login is unknown, expired, already finished or was begun in another browser';
  return new OAuthError('invalid_request', text, { cause });
}

/** A login has one way back: a page could else put an answer into an address that is only ever posted, or the other way round. */
function wrongMethod(formPost: boolean): OAuthError {
  const [came, expected] = formPost ? ['POST', 'GET'] : ['GET', 'POST'];
  const option = '"responseMode"';
  const cause = new Reason('the answer to a login came in another way', { came, expected, option });
  const text = `This login ends with ${expected}`;
  return new OAuthError('invalid_request', text, { status: 405, cause });
}

const taken = (): OAuthError => refused(new Reason('the login is finished already'));

/** Finishes logins at our own callback; only in the browser that began them (RFC 9700 §4.7.1). */
export class Callback {
  readonly #cookies: LoginCookies;

  constructor(
    private readonly pending: PendingLogins,
    private readonly providers: Providers,
    private readonly finisher: LoginFinisher,
    private readonly urls: PublicUrls,
    { publicUrl }: ResolvedOptions,
  ) {
    this.#cookies = new LoginCookies(publicUrl);
  }

  /** @throws {@link OAuthError} 400 `invalid_request`, or 400 with the provider's own error code. */
  async finish(request: CallbackRequest, cookies: RequestCookies): Promise<IssuedTokens> {
    const { login, ...answer } = await this.#answered(request, cookies);
    if (login.returnTo !== undefined) throw refused(new Reason('a login that ends with a session'));
    const tokens = await this.finisher.redeem(login, answer);
    return { tokens, cookies: [this.#cookies.remove(login.id, login.formPost)] };
  }

  /**
   * The same where a login may end with a session in the browser.
   *
   * @param held the session cookies that the browser has: what they stand for ends, as does what it had when a login by `form_post` began.
   * @throws {@link OAuthError} as {@link finish}.
   */
  async finishInBrowser(
    browser: BrowserEnd,
    request: CallbackRequest,
    cookies: RequestCookies,
    held: readonly string[],
  ): Promise<IssuedTokens | FinishedInBrowser> {
    const { login, ...answer } = await this.#answered(request, cookies);
    const done = this.#cookies.remove(login.id, login.formPost);
    if (login.returnTo === undefined) {
      const tokens = await this.finisher.redeem(login, answer);
      return { tokens, cookies: [done] };
    }
    const begun = await browser.finisher.redeem(login, answer);
    const { heldSession } = login;
    await browser.login.replace(heldSession === undefined ? held : [...held, heldSession], begun);
    return { begun, returnTo: login.returnTo, cookies: [done] };
  }

  /** The login that a state stands for, for one that failed; `undefined` when nobody can tell any more. */
  async loginOf(state: string | undefined): Promise<PendingLogin | undefined> {
    return state === undefined ? undefined : this.pending.fromState(state);
  }

  async #answered(request: CallbackRequest, cookies: RequestCookies): Promise<AnsweredCallback> {
    const provider = await this.#providerAt(request.provider ?? DEFAULT_PROVIDER);
    const login = await this.#login(request, provider, cookies);
    await provider.checkCallbackIssuer(request.iss);
    if (request.error !== undefined) {
      const refusal = toCallbackError(request.error, login.scope);
      throw this.finisher.abandon(login, provider, refusal) ? refusal : taken();
    }
    if (!request.code) throw new OAuthError('invalid_request', 'code is missing');
    const { code, client = {} } = request;
    return { login, provider, code, client, taken };
  }

  /** A provider that is gone, or never was, has no callback. */
  async #providerAt(name: string): Promise<IdentityProvider> {
    const provider = await this.providers.find(name);
    if (provider !== undefined) return provider;
    const cause = new Reason('callback of no provider', { came: printable(name) });
    throw new OAuthError('invalid_request', 'There is no such identity provider here', { cause });
  }

  async #login(
    { state, formPost = false }: CallbackRequest,
    provider: IdentityProvider,
    cookies: RequestCookies,
  ): Promise<PendingLogin> {
    if (!state) throw new OAuthError('invalid_request', 'state is missing');
    const login = await this.pending.fromState(state);
    if (login === undefined) throw refused(unknownLogin('state'));
    const expected = this.urls.callback(provider.name);
    const isIts = isOfLogin(provider, login) && login.redirectUri === expected;
    if (login.target !== 'callback' || !isIts) {
      const came = withoutDetails(login.redirectUri);
      throw refused(new Reason('state of a login for another redirect_uri', { expected, came }));
    }
    if (formPost !== (login.formPost ?? false)) throw wrongMethod(formPost);
    const held = this.#cookies.of(login, cookies);
    if (held !== undefined && equalSecrets(held.binding, login.binding)) return login;
    const mend = 'a login ends in the browser that began it, and at the host of "publicUrl"';
    throw refused(new Reason('the login cookie is missing', { option: '"publicUrl"', mend }));
  }
}
