import { Inject, Injectable } from '@nestjs/common';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import { type LoginCookie, LoginCookies, type RequestCookies } from '../login/login-cookies.js';
import {
  type PendingLogin,
  PendingLogins,
  equalSecrets,
  meetsChallenge,
} from '../login/pending-login.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { LoginFinisher } from './login-finisher.js';
import type { TokenRequest } from './select-grant.js';
import type { TokenResponse } from './token-response.js';

/** Tokens for the caller, and the login cookies to remove with them. */
export interface IssuedTokens {
  readonly tokens: TokenResponse;
  readonly cookies: readonly LoginCookie[];
}

interface Candidate {
  readonly login: PendingLogin;
  /** The client's own PKCE verifier, when what came as `code_verifier` was not the handle. */
  readonly clientVerifier: string | undefined;
}

/** Finishes logins on the token route (RFC 6749 §4.1.3). What a login needs depends on where its redirect URI points. */
@Injectable()
export class AuthorizationCodeGrant {
  readonly #cookies: LoginCookies;

  constructor(
    private readonly pending: PendingLogins,
    private readonly finisher: LoginFinisher,
    @Inject(RESOLVED_OPTIONS) { publicUrl }: ResolvedOptions,
  ) {
    this.#cookies = new LoginCookies(publicUrl);
  }

  /** @throws {@link OAuthError} 400 `invalid_grant`, one text whatever does not match. */
  async redeem(
    code: string,
    request: TokenRequest,
    cookies: RequestCookies,
  ): Promise<IssuedTokens> {
    if (request.redirectUri === undefined) {
      throw new OAuthError('invalid_request', 'redirect_uri is missing');
    }
    const candidate = await this.#candidate(request, cookies);
    if (candidate === undefined || !this.#mayFinish(candidate, request, cookies)) {
      throw invalidGrant();
    }
    const { login } = candidate;
    const tokens = await this.finisher.redeem(login, code, invalidGrant);
    const removed = login.target === 'page' ? [this.#cookies.remove(login.id)] : [];
    return { tokens, cookies: removed };
  }

  /** The login that a request means: by `state`, by the handle in `code_verifier`, or by the cookie of a page. */
  async #candidate(
    { state, codeVerifier, redirectUri }: TokenRequest,
    cookies: RequestCookies,
  ): Promise<Candidate | undefined> {
    if (state !== undefined) {
      const login = await this.pending.fromState(state);
      const isHandle = codeVerifier !== undefined && state.endsWith(`|${codeVerifier}`);
      return login && { login, clientVerifier: isHandle ? undefined : codeVerifier };
    }
    const byHandle = codeVerifier && (await this.pending.fromHandle(codeVerifier));
    if (byHandle) return { login: byHandle, clientVerifier: undefined };
    const login = await this.#newestOfPage(redirectUri, cookies);
    return login && { login, clientVerifier: codeVerifier };
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

  #mayFinish(
    { login, clientVerifier }: Candidate,
    { redirectUri, state }: TokenRequest,
    cookies: RequestCookies,
  ): boolean {
    if (login.redirectUri !== redirectUri) return false;
    const { clientChallenge } = login;
    if (clientChallenge !== undefined) {
      if (clientVerifier === undefined || !meetsChallenge(clientVerifier, clientChallenge)) {
        return false;
      }
    } else if (clientVerifier !== undefined) {
      return false; // a verifier for a challenge that was never sent (RFC 9700 §4.8.2)
    }
    switch (login.target) {
      case 'callback':
        return false; // that login ends at our own callback only
      case 'page':
        return this.#isBound(login, cookies);
      case 'loopback':
        return true; // the handle is the proof, or the client's own verifier beside it
      case 'client':
        return clientChallenge !== undefined && state !== undefined;
    }
  }

  #isBound(login: PendingLogin, cookies: RequestCookies): boolean {
    const held = this.#cookies.of(login, cookies);
    return held !== undefined && equalSecrets(held.binding, login.binding);
  }
}
