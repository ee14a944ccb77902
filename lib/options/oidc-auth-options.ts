import type { LoginNotice, LoopbackRedirectOptions } from './login-notice.js';
import type { BrokerOptions } from './broker-options.js';
import type { BrowserSessionOptions } from './browser-session-options.js';
import type { Written } from './option-group.js';
import { PossessionGroup } from './possession-options.js';
import { repeatsItself } from './secret.js';
import { isLocalPath } from './url-rules.js';
import {
  HTTPS,
  Must,
  MustList,
  Optional,
  isFlag,
  isLogoutTarget,
  isPlainHttpUrl,
  isRecord,
  isRedirectUri,
  isRequestProperty,
  isText,
  isTextList,
  within,
} from './value-rules.js';
import type { ProviderClaims } from './broker-options.js';
import type { ProviderOptions } from './provider-options.js';
import type { GrantOptions, RouteOptions } from './route-options.js';

/** What belongs to the application, however many identity providers it has. */
export class ApplicationGroup extends PossessionGroup {
  /**
   * The public address of this application: scheme, host and, where a proxy hands on what is below a path and takes that path
   * away, the path. A global prefix and `routes.prefix` are no part of it. Own callback, cookies and logout targets follow it
   * alone, whatever `Host` or `X-Forwarded-*` say.
   * Required unless login, callback and logout are switched off.
   */
  @Optional()
  @Must(`must be ${HTTPS}, without query and fragment`, isPlainHttpUrl)
  publicUrl?: string | undefined;

  /**
   * Redirect URIs, beside our own callback and loopback addresses, that the login route accepts: exact strings.
   * Entries on another origin than {@link publicUrl} need the client's own PKCE.
   * @defaultValue `[]`
   */
  @Optional()
  @MustList(
    'must be a list of exact redirect URIs as `new URL(uri).href` writes them, without query and fragment, ' +
      'https (http on loopback only, or with "allowInsecureHttp: true") or a private scheme such as com.example.app:/callback',
    isRedirectUri,
  )
  allowedRedirectUris?: readonly string[] = [];

  /**
   * `false`, or the paths allowed for `http` redirects to `localhost`, `127.0.0.1` and `[::1]` on any port.
   * @defaultValue `{ paths: ['/callback'] }`
   */
  @Optional()
  @Must(
    'must be false or { paths: ["/callback", …] } with plain paths beginning with "/"',
    (value) =>
      value === false ||
      (isRecord(value) &&
        Object.keys(value).every((key) => key === 'paths') &&
        isTextList(value['paths']) &&
        value['paths'].every((path) => isLocalPath(path) && !/[?#|]/.test(path))),
  )
  loopbackRedirects?: LoopbackRedirectOptions | false = { paths: ['/callback'] };

  /**
   * Where the logout route may send people beside {@link publicUrl} itself: exact URLs, or paths, which are below
   * {@link publicUrl}.
   * @defaultValue `[]`
   */
  @Optional()
  @MustList(
    `must be a list of paths beginning with one "/", without ".", ".." and what a URL encodes, or of ${HTTPS}`,
    isLogoutTarget,
  )
  allowedPostLogoutRedirectUris?: readonly string[] = [];

  /** Paths of the routes, each can be `false`. Static in `forRootAsync`. */
  // forRoot takes it out before options come here.
  @Optional()
  @Must(
    'decides which controllers exist, so it stands beside useFactory, not in what the factory returns',
    () => false,
  )
  routes?: RouteOptions | undefined;

  /** Grants of the token route that can be switched off one by one. All are on by default. */
  @Optional()
  @Must('must be an object such as { refresh: false }', isRecord)
  grants?: GrantOptions | undefined;

  /**
   * Allows http outside loopback, {@link publicUrl} included: login cookies and tokens are then readable on the way.
   * For closed test networks only.
   * @defaultValue `false`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  allowInsecureHttp?: boolean = false;

  /**
   * Strings of 32 characters and more that do not repeat themselves (`openssl rand -base64 32`); the first seals login handles,
   * all open them. In broker mode they also encrypt sessions and signing keys. Instances that serve the same logins need the same keys.
   * To change them while instances run, add the new one at the end everywhere, then move it to the front.
   * Default: derived from `clientSecret` when that
   * has 32 characters and does not repeat itself, else random for each process, with a warning that says why; with a lasting
   * `broker.store` start-up stops instead.
   */
  @Optional()
  @MustList(
    'must be a list of strings of 32 characters and more that do not repeat themselves, e.g. the output of ' +
      '`openssl rand -base64 32`',
    (key) => isText(key) && key.length >= 32 && !repeatsItself(key),
    { least: 1 },
  )
  encryptionKeys?: readonly string[] | undefined;

  /**
   * Clock difference between issuer and this machine that `exp`, `nbf` and `iat` may show, in seconds; 300 at most.
   * @defaultValue `5`
   */
  @Optional()
  @Must('must be a whole number of seconds from 0 to 300', within(0, 300))
  clockToleranceSec?: number = 5;

  /**
   * How far in the future `exp` of an accepted token may lie, in seconds; 31 days by default.
   * @defaultValue `2678400`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 31622400 (a year)', within(1, 31_622_400))
  maxTokenAgeSec?: number = 2678400;

  /**
   * Tokens longer than this are refused before anything is decoded, in bytes.
   * @defaultValue `12288`
   */
  @Optional()
  @Must('must be a whole number of bytes from 256 to 1048576', within(256, 1_048_576))
  maxTokenBytes?: number = 12288;

  /**
   * How long known keys go on serving while their source is down, in seconds.
   * @defaultValue `86400`
   */
  @Optional()
  @Must('must be a whole number of seconds from 0 to 2592000 (30 days)', within(0, 2_592_000))
  jwksStaleSec?: number = 86400;

  /**
   * Shortest time between two fetches of a key set that unknown key ids cause, after a small burst, in seconds.
   * @defaultValue `30`
   */
  @Optional()
  @Must('must be a whole number of seconds from 1 to 3600', within(1, 3600))
  jwksCooldownSec?: number = 30;

  /** Present: the application mints its own tokens, and the identity provider's stay on the server. */
  @Optional()
  @Must(
    'must be an object such as { audience: "myapp-api" }; leave it out for passthrough mode',
    isRecord,
  )
  broker?: BrokerOptions | undefined;

  /** Present: browsers log in by cookie. Off by default; needs {@link broker}. */
  @Optional()
  @Must('must be an object such as { idleSec: 3600 }; {} for the defaults', isRecord)
  session?: BrowserSessionOptions | undefined;

  /**
   * Names the folder of the SQLite file that broker mode keeps when no store is given.
   * @defaultValue `'nestjs-oidc-auth'`
   */
  @Optional()
  @Must(
    'must be a name for a folder: letters, digits, "-", "_" and ".", beginning with a letter or digit',
    (value) => typeof value === 'string' && /^[A-Za-z0-9][\w.-]{0,99}$/.test(value),
  )
  appName?: string = 'nestjs-oidc-auth';

  /**
   * Also leaves the verified claims on the request under this name, for code that expects them there: `'user'` is where Passport's
   * users look. Set only once the caller was let in, and never read by this module. HTTP only.
   * @defaultValue `false`
   */
  @Optional()
  @Must(
    'must be false, or a name such as "user" that requests do not have of themselves',
    (value) => value === false || isRequestProperty(value),
  )
  requestProperty?: string | false = false;

  /**
   * Gives the id of the request that is being served, from your AsyncLocalStorage, nestjs-cls or logger; `undefined` where there is
   * none. Every event of {@link OidcEvents}, and the lines made of them, then say it. Asked often, so it must be quick.
   *
   * @example `requestId: () => storage.getStore()?.requestId`
   */
  @Optional()
  @Must('must be a function', (value) => typeof value === 'function')
  requestId?: (() => string | undefined) | undefined;

  /**
   * `true`: each login, refresh and logout that succeeds is one line at the level `log`, with hashed ids; none is left out.
   * @defaultValue `false`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  logSuccesses?: boolean = false;

  /**
   * Called after each login, before its tokens go out: provision the user here, or refuse by throwing. Nest's
   * `ForbiddenException('no account')`, or any of its 4xx, answers 403 `access_denied` with a fixed text, and its message goes to the log;
   * an `OAuthError('access_denied', 'Not invited', { status: 403 })` also says what the caller is told. Any other exception is a fault: 500
   * `server_error`, logged whole.
   */
  @Optional()
  @Must('must be a function', (value) => typeof value === 'function')
  onLogin?: ((login: LoginNotice) => void | Promise<void>) | undefined;

  /**
   * Broker mode: makes the `sub` of our tokens, 1 to 255 printable characters, of what a provider said of the user (all sources together)
   * and of the provider's name. Two users must never get the same one. Default: the provider's `sub` or `subjectClaim`; with `tenants`
   * `<tenant>|` before it, with several providers `<provider>|` before that, except for the provider named `default`.
   */
  @Optional()
  @Must('must be a function (claims, provider) => string', (value) => typeof value === 'function')
  subject?: ((claims: ProviderClaims, provider: string) => string | Promise<string>) | undefined;
}

/** What belongs to the application, however many identity providers it has. */
export interface ApplicationOptions extends Written<ApplicationGroup> {}

/**
 * The options of `OidcAuthModule`. They are checked once, at start-up; a bad value stops the application
 * with an {@link OidcConfigError} that names the option, the value seen and the mend.
 */
export interface OidcAuthOptions extends ApplicationOptions, ProviderOptions {
  /** Several identity providers instead of this one: {@link SeveralProvidersOptions}. */
  providers?: undefined;
}
