import type { BrowserSessionState } from '../tokens/browser-session-state.js';

export type { BrowserSessionState } from '../tokens/browser-session-state.js';
export type { IdTokenClaims } from '../tokens/id-token-claims.js';

/** Where the server's routes are, and what a 401 means. */
export interface BrowserClientOptions {
  /**
   * Path of the routes, global prefix included; where the page is on another origin than they are, their URL: requests to the server then carry its
   * cookie (`credentials: 'include'`), which asks for its CORS and its option `session.origins`.
   * @defaultValue `'/auth/v2'`
   */
  readonly routes?: string;
  /** Path of the server's `publicUrl`, which `return_to` is below. @defaultValue `''` */
  readonly root?: string;
  /** What {@link fetch} makes of a 401: sends the person to log in, or tells the listeners of {@link onChange}. @defaultValue `'event'` */
  readonly unauthenticated?: 'login' | 'event';
}

/** What listeners are told: who is logged in, and whether that is over within a minute. */
export type SessionChange = BrowserSessionState & { readonly expiring: boolean };

// The page's own; this module loads where there is none of them, too.
declare const location: {
  readonly href: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  assign(url: string): void;
};

const WARNED_MS = 60_000;
/** Browsers keep no longer timers. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const listeners = new Set<(change: SessionChange) => void>();
let options: Required<BrowserClientOptions> = {
  routes: '/auth/v2',
  root: '',
  unauthenticated: 'event',
};
let known: string | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let channel: InstanceType<typeof BroadcastChannel> | undefined;

/** To be called before anything else where the server's routes are elsewhere. */
export function configure(given: BrowserClientOptions): void {
  options = { ...options, ...given };
}

/**
 * Asks who is logged in. The claims are for showing: what a user may do is the server's to say.
 *
 * @throws Error when the server does not answer, or not with 200: nobody knows then.
 */
export async function session(): Promise<BrowserSessionState> {
  const answer = await globalThis.fetch(`${options.routes}/session`, withCookie());
  const state: unknown = answer.ok ? await answer.json() : undefined;
  if (!isState(state)) throw new Error(`The session route answered ${answer.status}`);
  seen(state);
  return state;
}

/** A login that a page asks for, or that a handler demands (RFC 9470). */
export interface WantedLogin {
  /** The authentication context classes of which one will do. */
  readonly acrValues?: string | readonly string[] | undefined;
  /** How old the login may be, in seconds; `0`: none. */
  readonly maxAge?: number | undefined;
}

/**
 * Leaves the page for the provider's login, and comes back to `returnTo`: this page, unless another path, or a URL of an origin in `session.returnTo`, is given.
 *
 * @param wanted of the login; counts where the server's option `loginParameters` lists `acr_values` and `max_age`.
 */
export function login(
  returnTo: string = here(),
  { acrValues = [], maxAge }: WantedLogin = {},
): void {
  const acr = [acrValues].flat().join(' ');
  const further = [
    acr && `&acr_values=${encodeURIComponent(acr)}`,
    maxAge === undefined ? '' : `&max_age=${maxAge}`,
  ];
  location.assign(
    `${options.routes}/login?return_to=${encodeURIComponent(returnTo)}${further.join('')}`,
  );
}

/** What an answer wants in place of the login that the person has, for {@link login}; `undefined` where it wants nothing of the kind. */
export function wantedLogin({ headers }: Pick<Response, 'headers'>): WantedLogin | undefined {
  const challenge = headers.get('www-authenticate') ?? '';
  if (!challenge.includes('"insufficient_user_authentication"')) return undefined;
  const [, acrValues] = /acr_values="([^"]*)"/.exec(challenge) ?? [];
  const [, maxAge] = /max_age="(\d+)"/.exec(challenge) ?? [];
  return { acrValues, maxAge: maxAge === undefined ? undefined : Number(maxAge) };
}

/**
 * Ends the session, in all tabs, and leaves the page for the provider's logout.
 *
 * @param target where the provider sends the person then: `/`, or what the option `allowedPostLogoutRedirectUris` lists; the provider must know it too.
 * Without it people stay there.
 * @throws Error when the session could not be ended.
 */
export async function logout(target?: string): Promise<void> {
  const query = target ? `?post_logout_redirect_uri=${encodeURIComponent(target)}` : '';
  const answer = await globalThis.fetch(
    `${options.routes}/logout${query}`,
    withCookie({ method: 'POST', headers: { accept: 'application/json' } }),
  );
  const body: unknown = answer.ok ? await answer.json() : undefined;
  if (!isPlace(body)) throw new Error(`The logout route answered ${answer.status}`);
  seen({ authenticated: false });
  location.assign(body.location);
}

/**
 * Tells of logins and logouts, in other tabs too, and a minute ahead of the session's end.
 *
 * @returns what to call when nobody listens any more.
 */
export function onChange(listener: (change: SessionChange) => void): () => void {
  listeners.add(listener);
  if (channel === undefined && typeof BroadcastChannel === 'function') {
    channel = new BroadcastChannel('nestjs-oidc-auth');
    channel.addEventListener('message', look); // what it says is not believed, only that something has changed
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearTimeout(timer);
    channel?.close();
    channel = undefined;
  };
}

async function sessionFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const answer = await globalThis.fetch(input, withCookie(init));
  if (answer.status !== 401 || wantedLogin(answer)) return answer;
  if (options.unauthenticated === 'login') login();
  else await session().catch(() => undefined);
  return answer;
}

/** The page's own `fetch`, for the server's routes: a 401 becomes a login, or a call of the listeners, unless it wants a
 * better login: when that is begun is the page's to say. The answer is handed on as it is. */
export { sessionFetch as fetch };

function isState(body: unknown): body is BrowserSessionState {
  return typeof body === 'object' && body !== null && 'authenticated' in body;
}

function isPlace(body: unknown): body is { location: string } {
  return typeof body === 'object' && body !== null && 'location' in body;
}

/** Of a page of another origin, too. */
function withCookie(init?: RequestInit): RequestInit | undefined {
  return isElsewhere() ? { credentials: 'include', ...init } : init;
}

function isElsewhere(): boolean {
  return !options.routes.startsWith('/');
}

function here(): string {
  if (isElsewhere()) return location.href;
  const { pathname, search, hash } = location;
  const { root } = options;
  const path = pathname.startsWith(`${root}/`) ? pathname.slice(root.length) : pathname;
  const whole = path + search + hash;
  return whole.length > 512 || whole.includes('//') ? '/' : whole; // the server takes no others
}

function look(): void {
  session().catch(() => undefined); // it will be asked again
}

function seen(state: BrowserSessionState): void {
  const leftMs = state.authenticated ? state.expires * 1000 - Date.now() : 0;
  const expiring = state.authenticated && leftMs <= WARNED_MS;
  const who = state.authenticated
    ? `${state.claims.iss} ${state.claims.sub} ${state.claims.sid}`
    : '';
  const before = known?.split('\n');
  known = `${who}\n${expiring}`;
  if (listeners.size > 0 && state.authenticated) wait(expiring ? leftMs : leftMs - WARNED_MS);
  if (before?.[0] === who && before[1] === String(expiring)) return;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel is of one origin
  if (before !== undefined && before[0] !== who) channel?.postMessage('');
  for (const listener of listeners) listener({ ...state, expiring });
}

/** Asks again when the session may be about to end, or over: its use may have prolonged it. */
function wait(ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(look, Math.min(Math.max(ms, 1000), LONGEST_TIMER_MS));
}
