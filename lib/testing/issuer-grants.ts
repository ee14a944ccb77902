import { createHash } from 'node:crypto';

/** A user of an issuer for tests: further members become claims of all that is said of the user. */
export interface IssuerUser {
  readonly sub: string;
  readonly roles?: readonly string[];
  readonly [claim: string]: unknown;
}

/** How and when a user was authenticated (OpenID Connect Core §2). */
export interface Authentication {
  readonly acr?: string;
  readonly auth_time: number;
}

/** A login that tokens can be given for. */
export interface GrantedLogin {
  readonly user: IssuerUser;
  readonly authentication: Authentication;
  readonly scope: string;
  readonly nonce: string | undefined;
}

interface IssuedCode extends GrantedLogin {
  readonly redirectUri: string;
  readonly challenge: string | undefined;
}

type Refused = { readonly error: string };

/** What an issuer for tests has given out: each can be used once, as it should be. */
export class IssuerGrants {
  readonly #codes = new Map<string, IssuedCode>();
  readonly #devices = new Map<string, GrantedLogin & { polls: number }>();
  readonly #refreshTokens = new Map<string, GrantedLogin>();
  readonly #users = new Map<string, IssuerUser>();

  addCode(login: IssuedCode): string {
    return added(this.#codes, login);
  }

  addDevice(login: GrantedLogin): string {
    return added(this.#devices, { ...login, polls: 0 });
  }

  addRefreshToken(login: GrantedLogin): string {
    return added(this.#refreshTokens, login);
  }

  addAccessToken(token: string, user: IssuerUser): void {
    this.#users.set(token, user);
  }

  userOf(accessToken: string): IssuerUser | undefined {
    return this.#users.get(accessToken);
  }

  /** PKCE is looked at where the login had a challenge (RFC 7636 §4.6). */
  takeCode(
    code: string,
    proof: { redirectUri: string; challenge: string },
  ): GrantedLogin | Refused {
    const login = taken(this.#codes, code);
    if (login === undefined || login.redirectUri !== proof.redirectUri)
      return { error: 'invalid_grant' };
    if (login.challenge !== undefined && login.challenge !== proof.challenge) {
      return { error: 'invalid_grant' };
    }
    return login;
  }

  takeRefreshToken(token: string): GrantedLogin | Refused {
    return taken(this.#refreshTokens, token) ?? { error: 'invalid_grant' };
  }

  /** Pending at the first poll, approved at the second. */
  takeDevice(code: string): GrantedLogin | Refused {
    const login = this.#devices.get(code);
    if (login === undefined) return { error: 'expired_token' };
    login.polls += 1;
    if (login.polls < 2) return { error: 'authorization_pending' };
    this.#devices.delete(code);
    return login;
  }

  /** What a form of the token endpoint names. */
  redeem(form: URLSearchParams): GrantedLogin | Refused {
    const code = form.get('code');
    const refreshToken = form.get('refresh_token');
    if (code !== null) {
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      return this.takeCode(code, { redirectUri: form.get('redirect_uri') ?? '', challenge });
    }
    if (refreshToken !== null) return this.takeRefreshToken(refreshToken);
    return this.takeDevice(form.get('device_code') ?? '');
  }

  revoke(token: string): void {
    this.#refreshTokens.delete(token);
    this.#users.delete(token);
  }
}

function added<T>(grants: Map<string, T>, grant: T): string {
  const name = crypto.randomUUID();
  grants.set(name, grant);
  return name;
}

function taken<T>(grants: Map<string, T>, name: string): T | undefined {
  const grant = grants.get(name);
  grants.delete(name);
  return grant;
}
