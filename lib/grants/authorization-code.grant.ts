import { invalidProof } from '../dpop/dpop-proof.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { withoutDetails } from '../errors/shown-value.js';
import { LoginCookies, type RequestCookies } from '../login/login-cookies.js';
import {
  type PendingLogin,
  type PendingLogins,
  equalSecrets,
  isOfLogin,
  meetsChallenge,
} from '../login/pending-login.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { IssuedTokens } from '../login/issued-tokens.js';
import type { ChosenProvider } from '../login/chosen-provider.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';
import type { LoginFinisher } from '../login/login-finisher.js';
import type { ProvedTokenRequest, TokenRequest } from './select-grant.js';
import { unknownLogin } from '../login/unknown-login.js';

interface Candidate {
  readonly login: PendingLogin;
  /** The client's own PKCE verifier, when what came as `code_verifier` was not the handle. */
  readonly clientVerifier: string | undefined;
}

/** Finishes logins on the token route (RFC 6749 §4.1.3). What a login needs depends on where its redirect URI points. */
export class AuthorizationCodeGrant {
  readonly #cookies: LoginCookies;

  constructor(
    private readonly pending: PendingLogins,
    private readonly finisher: LoginFinisher,
    private readonly providers: Providers,
    private readonly chosen: ChosenProvider,
    { publicUrl }: ResolvedOptions,
  ) {
    this.#cookies = new LoginCookies(publicUrl);
  }

  /** @throws {@link OAuthError} 400 `invalid_grant`, one text whatever does not match. */
  async redeem(
    code: string,
    request: ProvedTokenRequest,
    cookies: RequestCookies,
  ): Promise<IssuedTokens> {
    if (request.redirectUri === undefined) {
      throw new OAuthError('invalid_request', 'redirect_uri is missing');
    }
    const candidate = await this.#candidate(request, cookies);
    this.#checkProof(candidate, request, cookies);
    const { login } = candidate;
    const { client } = request;
    checkKey(login, client.key);
    const provider = await this.#providerOf(login);
    await this.chosen.checkIssuer(provider, request.iss);
    const tokens = await this.finisher.redeem(login, { provider, code, client, taken });
    const removed = login.target === 'page' ? [this.#cookies.remove(login.id)] : [];
    return { tokens, cookies: removed };
  }

  async #providerOf(login: PendingLogin): Promise<IdentityProvider> {
    const provider = await this.providers.find(login.provider);
    if (provider !== undefined && isOfLogin(provider, login)) return provider;
    throw invalidGrant(new Reason('the provider of the login is gone', { came: login.provider }));
  }

  /** The login that a request means: by `state`, by the handle in `code_verifier`, or by the cookie of a page. */
  async #candidate(
    { state, codeVerifier, redirectUri }: TokenRequest,
    cookies: RequestCookies,
  ): Promise<Candidate> {
    if (state !== undefined) {
      const login = await this.pending.fromState(state);
      if (login === undefined) throw invalidGrant(unknownLogin('state'));
      const isHandle = codeVerifier !== undefined && state.endsWith(`|${codeVerifier}`);
      return { login, clientVerifier: isHandle ? undefined : codeVerifier };
    }
    const byHandle = codeVerifier && (await this.pending.fromHandle(codeVerifier));
    if (byHandle) return { login: byHandle, clientVerifier: undefined };
    const login = await this.#newestOfPage(redirectUri, cookies);
    if (login !== undefined) return { login, clientVerifier: codeVerifier };
    throw invalidGrant(codeVerifier ? unknownLogin('code_verifier') : noProof());
  }

  async #newestOfPage(
    redirectUri: string | undefined,
    cookies: RequestCookies,
  ): Promise<PendingLogin | undefined> {
    const newestFirst = this.#cookies
      .held(cookies)
      .toSorted((one, other) => other.beganAtMs - one.beganAtMs);
    for (const { id, handle } of newestFirst) {
      const login = handle === undefined ? undefined : await this.pending.fromHandle(handle);
      if (login?.id === id && login.redirectUri === redirectUri) return login;
    }
    return undefined;
  }

  #checkProof(
    { login, clientVerifier }: Candidate,
    { redirectUri, state }: TokenRequest,
    cookies: RequestCookies,
  ): void {
    if (login.redirectUri !== redirectUri) {
      const [expected, came] = [login.redirectUri, redirectUri ?? ''].map(withoutDetails);
      throw invalidGrant(new Reason('redirect_uri is not that of the login', { expected, came }));
    }
    checkClientVerifier(login, clientVerifier);
    switch (login.target) {
      case 'callback':
        throw invalidGrant(new Reason('that login ends at our own callback only'));
      case 'page':
        if (this.#isBound(login, cookies)) return;
        throw invalidGrant(noCookie());
      case 'loopback':
        return; // the handle is the proof, or the client's own verifier beside it
      case 'client':
        if (login.clientChallenge !== undefined && state !== undefined) return;
        throw invalidGrant(new Reason('state is missing', { mend: 'send it as it came back' }));
    }
  }

  #isBound(login: PendingLogin, cookies: RequestCookies): boolean {
    const held = this.#cookies.of(login, cookies);
    return held !== undefined && equalSecrets(held.binding, login.binding);
  }
}

const taken = (): OAuthError => invalidGrant(new Reason('the login is finished already'));

/**
 * Holds the key of the proof that came against the one that the login was begun for (RFC 9449 §10): a code that somebody else has got is of no use, and
 * the login is not used up.
 *
 * @throws {@link OAuthError} 400 `invalid_dpop_proof`
 */
function checkKey({ clientKey }: PendingLogin, key: string | undefined): void {
  if (clientKey === undefined || clientKey === key) return;
  throw invalidProof(400, new Reason('the login was begun for another key'));
}

function noProof(): Reason {
  const mend =
    'send state or code_verifier; a page of our origin may send its login cookie instead';
  return new Reason('neither state, code_verifier nor a login cookie', { mend });
}

function noCookie(): Reason {
  const mend = 'a page sends its cookies along (credentials), in the browser that began the login';
  return new Reason('the login cookie is missing', { option: '"publicUrl"', mend });
}

/** @throws {@link OAuthError} 400 `invalid_grant` unless the verifier belongs to the challenge; also for one without (RFC 9700 §4.8.2). */
function checkClientVerifier(
  { clientChallenge }: PendingLogin,
  verifier: string | undefined,
): void {
  if (clientChallenge === undefined) {
    if (verifier === undefined) return;
    throw invalidGrant(new Reason('a code_verifier for a code_challenge that was never sent'));
  }
  if (verifier === undefined) throw invalidGrant(new Reason('code_verifier is missing'));
  if (meetsChallenge(verifier, clientChallenge)) return;
  throw invalidGrant(new Reason('code_verifier does not belong to code_challenge'));
}
