import { hash } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import { LOGIN_LIFETIME_SEC, type PendingLogin, type SealedLogin } from './pending-login.js';

/** A cookie to set; `maxAgeSec: 0` removes it. Always `HttpOnly; Path=/`, and `SameSite=Lax` unless {@link crossSite}. */
export interface LoginCookie {
  readonly name: string;
  readonly value: string;
  readonly maxAgeSec: number;
  readonly secure: boolean;
  /** `Secure; SameSite=None`: a page of the provider's sends the form that it comes back with. */
  readonly crossSite?: boolean;
}

/** What a login cookie says. */
export interface HeldLogin {
  readonly id: string;
  readonly beganAtMs: number;
  readonly binding: string;
  /** Only for pages of our own origin, which may finish a login without `state`. */
  readonly handle: string | undefined;
  readonly crossSite: boolean;
}

/** The cookies of a request by name, as parsed from the header `Cookie`. */
export type RequestCookies = ReadonlyMap<string, string>;

const NAME = 'oidc-login.';
const MAX_LOGINS = 5;
/** Marks the cookie of a login whose answer comes by POST; no handle looks like it. */
const CROSS_SITE = 'post';

/** Tells applications under one host apart; nothing for the one at its root. Ids of logins hold no `.`. */
function applicationAt(path = '/'): string {
  if (path === '/') return '';
  return `${hash('sha256', path.replace(/\/$/, ''), 'base64url').slice(0, 8)}.`;
}

/**
 * The cookies that bind logins to the browser that began them (RFC 9700 §4.7.1): one a login, five at most.
 * `__Host-` and `Secure` with an https `publicUrl`. On http neither: Safari drops `Secure` cookies there, on loopback too.
 * Browsers send the cookies of a host to each application under it, so that a `publicUrl` with a path has names of its own.
 */
export class LoginCookies {
  readonly #prefix: string;
  readonly #secure: boolean;

  constructor(publicUrl: string | undefined) {
    const url = publicUrl === undefined ? undefined : new URL(publicUrl);
    this.#secure = url?.protocol !== 'http:';
    this.#prefix = `${this.#secure ? '__Host-' : ''}${NAME}${applicationAt(url?.pathname)}`;
  }

  /** The cookie of a new login, and the removal of the oldest ones over the limit. */
  begin({ login, handle }: SealedLogin, cookies: RequestCookies, clock: Clock): LoginCookie[] {
    const held = this.held(cookies).toSorted((one, other) => one.beganAtMs - other.beganAtMs);
    const surplus = held.slice(0, Math.max(0, held.length - (MAX_LOGINS - 1)));
    const parts = [clock.now().getTime().toString(36), login.binding];
    if (login.target === 'page') parts.push(handle);
    if (login.formPost === true) parts.push(CROSS_SITE);
    const crossSite = login.formPost === true;
    return [
      ...surplus.map((one) => this.remove(one.id, one.crossSite)),
      this.#cookie(login.id, parts.join('~'), LOGIN_LIFETIME_SEC, crossSite),
    ];
  }

  /** On http, only what is `Secure` itself takes a `Secure` cookie away (RFC 6265bis §5.7). */
  remove(id: string, crossSite = false): LoginCookie {
    return this.#cookie(id, '', 0, crossSite);
  }

  /** The logins that this browser began, as far as its cookies are of our form. */
  held(cookies: RequestCookies): HeldLogin[] {
    return [...cookies].flatMap(([name, value]) => {
      if (!name.startsWith(this.#prefix)) return [];
      const [began, binding, more] = value.split('~');
      const crossSite = more === CROSS_SITE;
      const id = name.slice(this.#prefix.length);
      const beganAtMs = parseInt(began ?? '', 36);
      if (!/^[\w-]{1,64}$/.test(id) || !binding || Number.isNaN(beganAtMs)) return [];
      return [{ id, beganAtMs, binding, handle: crossSite ? undefined : more, crossSite }];
    });
  }

  /** The cookie of this very login, if the browser has it. */
  of(login: PendingLogin, cookies: RequestCookies): HeldLogin | undefined {
    return this.held(cookies).find(({ id }) => id === login.id);
  }

  #cookie(id: string, value: string, maxAgeSec: number, crossSite: boolean): LoginCookie {
    const cookie = { name: this.#prefix + id, value, maxAgeSec, secure: this.#secure };
    return crossSite ? { ...cookie, crossSite } : cookie;
  }
}
