import { type Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { protocolWord, repeated, withoutDetails } from '../errors/shown-value.js';
import type { ProviderRequest } from '../options/several-providers.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import { newLoginSecrets } from '../providers/login-secrets.js';
import { askedLogin } from './asked-login.js';
import type { DemandedLogins } from '../guard/demanded-logins.js';
import type { ChosenProvider } from './chosen-provider.js';
import { type LoginCookie, LoginCookies, type RequestCookies } from './login-cookies.js';
import type { PendingLogins } from './pending-login.js';
import { thirdPartyTarget } from './third-party-login.js';
import { checkedReturnTo } from './return-to.js';
import { type RedirectTarget, redirectTarget } from './redirect-uris.js';
import type { PublicUrls } from '../options/public-urls.js';
import { isLoopbackHost, parseUrl } from '../options/url-rules.js';
import { isText } from '../options/value-rules.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { isSha256 } from '../tokens/bound-key.js';
import { loginScope } from '../tokens/scopes.js';

/** The query of the login route. */
export interface LoginRequest {
  readonly redirectUri?: string | undefined;
  /** Option `session`: where the browser goes at the end, instead of {@link redirectUri}; it gets a session by cookie. */
  readonly returnTo?: string | undefined;
  /** Issuer of the identity provider; without {@link redirectUri} and {@link returnTo} it is a login that others begin (OpenID Connect Core §4). */
  readonly iss?: string | undefined;
  /** Where such a login leads. */
  readonly targetLinkUri?: string | undefined;
  /** `none` means: send no prompt. */
  readonly prompt?: string | undefined;
  readonly offlineAccess?: boolean | undefined;
  /** Space separated; replaces the module's scopes. */
  readonly scope?: string | undefined;
  /** The client's own PKCE challenge (RFC 7636 §4.3). */
  readonly codeChallenge?: string | undefined;
  readonly codeChallengeMethod?: string | undefined;
  /** Broker mode: thumbprint of the client's own key, which then has to be proved when the code is redeemed (RFC 9449 §10). */
  readonly dpopJkt?: string | undefined;
  /** The request only looks, or comes ahead of time (HEAD, prefetch): nothing is pushed to the provider for it. */
  readonly speculative?: boolean | undefined;
  /** Name of the identity provider, where there are several. */
  readonly provider?: string | undefined;
  /** What the rule of a handler demands, as the guard sealed it. */
  readonly stepUp?: string | undefined;
  /** Further parameters: those that the provider's option `loginParameters` lists are passed on to it. */
  readonly parameters?: Readonly<Record<string, string | undefined>> | undefined;
  /** What the option `resolveProvider` is asked about where no provider is named. */
  readonly request?: ProviderRequest | undefined;
}

/** Where to send the browser, and which cookies to set with it. */
export interface LoginRedirect {
  readonly url: string;
  readonly cookies: readonly LoginCookie[];
}

/** Much longer than ours are; the address of a login is no place for more. */
const LONGEST_HELD_SESSION = 512;

const PROMPTS = new Set(['login', 'consent', 'select_account', 'create']);

function invalidRequest(description: string, cause?: Reason): OAuthError {
  return new OAuthError('invalid_request', description, { cause });
}

function noRedirectUri({ iss }: LoginRequest): OAuthError {
  const mend = 'a login that others begin ends with a session by cookie';
  const cause = new Reason('redirect_uri is missing', { option: '"session"', mend });
  return invalidRequest('redirect_uri is missing', iss === undefined ? undefined : cause);
}

function checkedPrompt(prompt: string | undefined): string | undefined {
  if (prompt === undefined || prompt === 'none') return undefined;
  const words = prompt.split(' ');
  if (words.every((word) => PROMPTS.has(word))) return prompt;
  const expected = ['none', ...PROMPTS];
  const cause = new Reason('prompt is unknown', { expected, came: words.map(protocolWord) });
  throw invalidRequest('prompt is unknown', cause);
}

function checkedChallenge(
  { codeChallenge, codeChallengeMethod }: LoginRequest,
  target: RedirectTarget,
): string | undefined {
  if (codeChallenge === undefined && codeChallengeMethod === undefined) {
    if (target !== 'client') return undefined;
    const mend = 'a client elsewhere brings its own PKCE, or uses a loopback address';
    throw invalidRequest(
      'This redirect_uri needs code_challenge and code_challenge_method=S256',
      new Reason('code_challenge is missing', { mend }),
    );
  }
  if (target === 'callback') {
    // The callback gets no verifier, so that the client would believe in a check that nobody makes.
    throw invalidRequest('A login for our own callback takes no code_challenge');
  }
  if (codeChallengeMethod === 'S256' && /^[A-Za-z0-9_-]{43}$/.test(codeChallenge ?? '')) {
    return codeChallenge;
  }
  throw invalidRequest('code_challenge must be 43 base64url characters with the method S256');
}

function checkedKey({ dpopJkt }: LoginRequest, target: RedirectTarget): string | undefined {
  if (dpopJkt === undefined) return undefined;
  if (target === 'callback') {
    throw invalidRequest('A login for our own callback takes no dpop_jkt'); // nobody could prove it there
  }
  if (isSha256(dpopJkt)) return dpopJkt;
  throw invalidRequest('dpop_jkt must be a JWK thumbprint of 43 base64url characters');
}

/** Begins logins. Nothing is written: everything needed later travels sealed in `state`. */
export class StartLogin {
  readonly #cookies: LoginCookies;

  constructor(
    private readonly pending: PendingLogins,
    private readonly demands: DemandedLogins,
    private readonly chosen: ChosenProvider,
    private readonly urls: PublicUrls,
    private readonly clock: Clock,
    private readonly options: ResolvedOptions,
    private readonly bindsTokens: boolean,
  ) {
    this.#cookies = new LoginCookies(options.publicUrl);
  }

  /** @throws {@link OAuthError} 400 `invalid_request` or `invalid_scope`; 503 while the provider's metadata is unknown. */
  async start(request: LoginRequest, cookies: RequestCookies): Promise<LoginRedirect> {
    const elsewhere = thirdPartyTarget(request, this.options);
    const returnTo = elsewhere ?? checkedReturnTo(request, this.options);
    if (!request.redirectUri && returnTo === undefined) throw noRedirectUri(request);
    const { provider, byHost } = await this.chosen.of(request);
    if (byHost) return { url: this.#atHome(request, provider), cookies: [] };
    const redirectUri = request.redirectUri ?? this.urls.callback(provider.name) ?? '';
    const target = redirectTarget(redirectUri, this.urls.callback(provider.name), this.options);
    if (target === undefined) throw this.#notAllowed(redirectUri, provider);
    const prompt = checkedPrompt(request.prompt);
    const clientChallenge = checkedChallenge(request, target);
    const clientKey = this.bindsTokens ? checkedKey(request, target) : undefined;
    if (target !== 'callback') await this.chosen.checkElsewhere(provider);
    const scope = loginScope(
      provider.options,
      request.scope,
      (request.offlineAccess ?? false) || returnTo !== undefined,
    );
    const passedOn = [
      ...provider.options.loginParameters,
      ...(elsewhere === undefined ? [] : ['login_hint']),
    ];
    const asked = await this.#asked(request, { ...provider.options, loginParameters: passedOn });
    const { parameters: further, ...authentication } = asked;
    const formPost = target === 'callback' && provider.options.responseMode === 'form_post';
    const secrets = newLoginSecrets();
    const sealed = await this.pending.begin(
      {
        provider: provider.name,
        providerIdentity: provider.identity,
        redirectUri,
        target,
        scope,
        clientChallenge,
        clientKey,
        returnTo,
        ...authentication,
        formPost,
        heldSession: formPost && returnTo !== undefined ? this.#heldSession(cookies) : undefined,
      },
      secrets,
    );
    const url = await provider.authorizationUrl({
      ...secrets,
      redirectUri,
      scope,
      state: sealed.state,
      prompt,
      further,
      formPost,
      speculative: request.speculative ?? false,
    });
    const bound = target === 'callback' || target === 'page';
    return { url, cookies: bound ? this.#cookies.begin(sealed, cookies, this.clock) : [] };
  }

  #heldSession(cookies: RequestCookies): string | undefined {
    const held = cookies.get(this.options.session?.cookieName ?? '');
    return held !== undefined && held.length <= LONGEST_HELD_SESSION ? held : undefined;
  }

  async #asked({ parameters = {}, stepUp }: LoginRequest, options: ResolvedProvider) {
    const demanded = stepUp === undefined ? undefined : await this.demands.open(stepUp);
    if (stepUp !== undefined && demanded === undefined) {
      const mend = 'it is ours, and ten minutes old at most';
      throw invalidRequest('step_up is unusable', new Reason('step_up is unusable', { mend }));
    }
    const nowSec = epochSeconds(this.clock);
    return askedLogin(parameters, options, { nowSec, demanded });
  }

  /** The same login at `publicUrl`, where its cookie belongs. */
  #atHome({ request }: LoginRequest, { name }: IdentityProvider): string {
    const query = new URLSearchParams({ ...request?.query, provider: name });
    return `${this.urls.url('login')}?${query.toString()}`;
  }

  #notAllowed(redirectUri: string, { name }: IdentityProvider): OAuthError {
    const came = withoutDetails(redirectUri);
    const cause = new Reason('redirect_uri is not allowed', {
      expected: [this.urls.callback(name), ...this.options.allowedRedirectUris].filter(isText),
      came,
      option: isLoopbackHost(parseUrl(redirectUri)?.hostname ?? '')
        ? '"loopbackRedirects", "allowedRedirectUris"'
        : '"publicUrl", "allowedRedirectUris"',
    });
    return invalidRequest(`redirect_uri is not allowed${repeated([came])}`, cause);
  }
}
