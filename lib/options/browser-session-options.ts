import type { Written } from './option-group.js';
import { parseUrl } from './url-rules.js';
import {
  HTTPS,
  Must,
  MustList,
  Optional,
  type OptionsUnderCheck,
  isHttpUrl,
  within,
} from './value-rules.js';

/** What {@link BrowserSessionOptions.failurePage} is told. */
export interface LoginFailure {
  readonly status: number;
  /** The code that a program would get as `error`. */
  readonly error: string;
  /** Why, in words that may be shown. */
  readonly description: string;
  /** Where a login begins anew: an address of ours, to be escaped as any other text. */
  readonly retryUrl: string;
}

/** No wildcard: URL parsers take one for the name of a host. */
const ORIGIN = /^https?:\/\/(\[[\da-f:.]+\]|[\w.-]+)(:\d+)?$/;

function isOrigin(value: unknown, all: OptionsUnderCheck): boolean {
  const url = parseUrl(value);
  return (
    url !== undefined && isHttpUrl(value, all) && url.origin === value && ORIGIN.test(url.origin)
  );
}

const ORIGINS = `must be a list of origins such as "https://app.example.org": of each scheme, host and port alone, as browsers write them; ${HTTPS}`;

/**
 * Sessions by cookie for browsers: no token reaches the page. Needs `broker`, and the routes login, callback and logout. The cookie is
 * `HttpOnly; SameSite=Lax; Path=/`, and with an https `publicUrl` `Secure` with the prefix `__Host-`.
 */
export class BrowserSessionGroup {
  /**
   * Name of the cookie, without the prefix. Two applications on one host need two names.
   * @defaultValue `'oidc-session'`
   */
  @Optional()
  @Must(
    'must be a name of 1 to 64 letters, digits, "-", "_" and "." that begins with a letter, without the prefix "__Host-", which is added, and ' +
      'other than "oidc-login", which our login cookies begin with',
    (value) =>
      typeof value === 'string' &&
      /^[A-Za-z][\w.-]{0,63}$/.test(value) &&
      !value.startsWith('oidc-login'),
  )
  cookieName?: string = 'oidc-session';

  /**
   * How long a session lives without a guarded request, in seconds. The use is written at most every five minutes; the route `session` is
   * no use.
   * @defaultValue `43200`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 31536000 (a year)', within(1, 31_536_000))
  idleSec?: number = 43_200;

  /**
   * How long a login lasts for which the provider gave no refresh token, in seconds: nothing can renew what it said of the user.
   * @defaultValue `28800`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 2592000 (30 days)', within(1, 2_592_000))
  unrenewedSec?: number = 28_800;

  /**
   * Origins beside our own that `return_to` may lead to.
   * @defaultValue `[]`
   */
  @Optional()
  @MustList(ORIGINS, isOrigin)
  returnTo?: readonly string[] = [];

  /**
   * Other origins of the same site whose pages may send unsafe requests with the cookie, and open connections. They need the host's CORS with credentials
   * besides. One that is of another site for certain (another scheme, or a host that does not end in the same two labels) stops start-up where
   * `publicUrl` is not on loopback: browsers bring no cookie from there.
   * @defaultValue `[]`
   */
  @Optional()
  @MustList(ORIGINS, isOrigin)
  origins?: readonly string[] = [];

  /** The HTML of the page that people get where a login fails, instead of ours. Scripts do not run in it. */
  @Optional()
  @Must('must be a function (failure) => string', (value) => typeof value === 'function')
  failurePage?: ((failure: LoginFailure) => string) | undefined;
}

/** Sessions by cookie for browsers: no token reaches the page. */
export interface BrowserSessionOptions extends Written<BrowserSessionGroup> {}
