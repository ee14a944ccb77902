import { CookieJar } from './cookie-jar.js';
import { firstForm, type HtmlForm } from './html-form.js';
import { Reply, request, type RequestHeaders } from './http-request.js';

export interface VisitOptions {
  headers?: RequestHeaders;
  /** Whether to follow redirects, or which; default `true`. */
  follow?: boolean | ((location: URL) => boolean);
}

export interface AnswerOptions {
  /** Refuses consent instead of giving it; the provider sends back `access_denied`. */
  deny?: boolean;
}

type FillForm = (form: HtmlForm) => Readonly<Record<string, string>>;

const MOST_STEPS = 20;

/** What a browser says of itself that does not tell a person's visit from a script's request. */
const navigation = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-site': 'none',
  'user-agent': 'test-user-agent',
};

/** What tells a person's visit of a page, who gets a page where a login fails; scripts and programs get JSON. */
export const visit = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

/**
 * A minimal browser: a cookie jar, redirects, forms. It does not know `SameSite`, and runs no scripts; refusals it gets as
 * programs do, unless it sends {@link visit}. Built on `node:http`, since `fetch` forces its own `Sec-Fetch-Mode`.
 *
 * @example
 * ```ts
 * const agent = new UserAgent();
 * const back = await agent.loginAt(provider, `${app.url}/auth/v2/login?redirect_uri=…`, 'alice');
 * const reply = await agent.get(back);
 * ```
 */
export class UserAgent {
  readonly #jar: CookieJar;

  /**
   * `now` moves the expiry of cookies; default: the real time. `servers` says where public origins really
   * are: `{ 'https://app.example.org': app.url }`. `sent` goes with each request, such as {@link visit}.
   */
  constructor(
    now?: () => number,
    private readonly servers: Readonly<Record<string, string>> = {},
    private readonly sent: RequestHeaders = {},
  ) {
    this.#jar = new CookieJar(now);
  }

  /** Navigates to a URL. */
  async get(url: string | URL, { headers, follow = true }: VisitOptions = {}): Promise<Reply> {
    const first = await this.#send('GET', new URL(url), { ...headers });
    return this.#followed(first, follow, { ...headers });
  }

  /** Submits a form as a page of the same origin does, and follows redirects. */
  async post(
    url: string | URL,
    form: Readonly<Record<string, string>>,
    headers: RequestHeaders = {},
  ): Promise<Reply> {
    const target = new URL(url);
    const sameOrigin = { origin: target.origin, 'sec-fetch-site': 'same-origin' };
    const first = await this.#send('POST', target, { ...sameOrigin, ...headers }, form);
    return this.#followed(first, true, headers);
  }

  /** The cookies that a request to this URL would carry. */
  cookies(url: string | URL): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.#jar.sentTo(new URL(url)).map(({ name, value }) => [name, value]),
    );
  }

  /**
   * Goes from our login URL through the provider's pages as a user, and returns the first URL that is not
   * the provider's, without requesting it: our callback, a loopback redirect, an error redirect.
   */
  async loginAt(
    provider: { readonly issuer: string },
    url: string | URL,
    user: string,
    { deny = false }: AnswerOptions = {},
  ): Promise<string> {
    const fill: FillForm = ({ fields }) => {
      if ('login' in fields) return { ...fields, login: user };
      return deny ? { ...fields, abort: 'yes' } : fields;
    };
    return this.#leave(provider, url, fill);
  }

  /** The same for our logout URL: confirms at the provider, returns where that sends the browser. */
  async logoutAt(provider: { readonly issuer: string }, url: string | URL): Promise<string> {
    return this.#leave(provider, url, ({ fields }) => fields);
  }

  /**
   * Walks through forms and redirects of one origin, after the first redirect to it, until a redirect
   * leaves it (its target comes back unrequested), a page has no form, or one that leaves it (and is not sent).
   */
  async walk(origin: string, url: string | URL, fill: FillForm): Promise<URL | Reply> {
    let reply = await this.#send('GET', new URL(url), {});
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const next = reply.location ?? firstForm(reply.text(), reply.url);
      if (next === undefined) return reply;
      if (!(next instanceof URL)) {
        if (reply.url.origin === origin && next.action.origin !== origin) return reply;
        reply = await this.#send('POST', next.action, { origin }, fill(next));
        continue;
      }
      const leaves = reply.url.origin === origin && next.origin !== origin;
      if (leaves) return next;
      reply = await this.#send('GET', next, {});
    }
    throw new Error(
      `More than ${MOST_STEPS} pages and redirects, the last at ${reply.url.pathname}`,
    );
  }

  async #leave(
    provider: { readonly issuer: string },
    url: string | URL,
    fill: FillForm,
  ): Promise<string> {
    const end = await this.walk(new URL(provider.issuer).origin, url, fill);
    if (end instanceof URL) return end.href;
    const text = end.text().replace(/\s+/g, ' ').slice(0, 500);
    throw new Error(`Stopped at ${end.url.origin}${end.url.pathname} with ${end.status}: ${text}`);
  }

  async #followed(
    first: Reply,
    follow: boolean | ((location: URL) => boolean),
    headers: RequestHeaders,
  ): Promise<Reply> {
    let reply = first;
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const { location } = reply;
      if (location === undefined) return reply;
      if (typeof follow === 'function' ? !follow(location) : !follow) return reply;
      reply = await this.#send('GET', location, headers);
    }
    throw new Error(`More than ${MOST_STEPS} redirects, the last at ${reply.url.pathname}`);
  }

  async #send(
    method: string,
    url: URL,
    headers: RequestHeaders,
    form?: Readonly<Record<string, string>>,
  ): Promise<Reply> {
    const cookies = this.#jar.sentTo(url).map(({ name, value }) => `${name}=${value}`);
    const connectTo = this.servers[url.origin];
    const reply = await request(url, {
      method,
      ...(connectTo === undefined ? {} : { connectTo }),
      headers: {
        ...navigation,
        ...this.sent,
        ...(connectTo === undefined ? {} : { host: url.host }),
        ...(cookies.length === 0 ? {} : { cookie: cookies.join('; ') }),
        ...headers,
      },
      ...(form === undefined ? {} : { form }),
    });
    for (const cookie of reply.headers.getSetCookie()) this.#jar.store(cookie, url);
    return reply;
  }
}
