import { firstForm, type HtmlForm } from '../../support/html-form.js';
import { Reply } from '../../support/http-request.js';
import { LOOPBACK_REDIRECT, type OpenLogin } from '../../support/open-login.js';
import { UserAgent } from '../../support/user-agent.js';
import type { Hydra } from './hydra.js';

interface LoginOptions {
  readonly redirectUri?: string;
  /** More parameters of our login route. */
  readonly query?: Readonly<Record<string, string>>;
}

const MOST_STEPS = 10;

/** A person with a browser who says yes to all that Hydra asks. */
export class HydraUser {
  constructor(
    private readonly hydra: Hydra,
    readonly agent: UserAgent = new UserAgent(),
  ) {}

  /** Goes from a login route of ours through Hydra; where that then sends the browser. */
  visit(
    app: { readonly url: string },
    { redirectUri = LOOPBACK_REDIRECT, query = {} }: LoginOptions = {},
  ): Promise<URL> {
    const parameters = new URLSearchParams({ redirect_uri: redirectUri, ...query });
    return this.follow(`${app.url}/auth/v2/login?${parameters.toString()}`);
  }

  /** The same for a login that succeeds and that nobody redeemed yet. */
  async logIn(app: { readonly url: string }, options: LoginOptions = {}): Promise<OpenLogin> {
    const back = await this.visit(app, options);
    const state = back.searchParams.get('state') ?? '';
    const code = back.searchParams.get('code');
    if (code === null) throw new Error(`Hydra sends the browser to ${back.href}`);
    return {
      agent: this.agent,
      redirectUri: options.redirectUri ?? LOOPBACK_REDIRECT,
      code,
      state,
      handle: state.slice(state.lastIndexOf('|') + 1),
    };
  }

  /** Follows a URL through Hydra and its questions; the first URL that is none of it. */
  async follow(url: string | URL): Promise<URL> {
    const end = await this.#walk(url);
    if (end instanceof URL) return end;
    throw new Error(`Hydra keeps the browser: ${end.status} ${end.url.href} ${end.text()}`);
  }

  /** The form that Hydra's page would send to our callback (`form_post`). */
  async answerByForm(url: string): Promise<HtmlForm> {
    const end = await this.#walk(url);
    const form = end instanceof Reply ? firstForm(end.text(), end.url) : undefined;
    if (form !== undefined) return form;
    throw new Error(`Hydra sends no form: ${end instanceof Reply ? end.text() : end.href}`);
  }

  async #walk(url: string | URL): Promise<URL | Reply> {
    const { origin } = new URL(this.hydra.issuer);
    let next = new URL(url);
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const reply = await this.agent.get(next, {
        follow: (location) => location.origin === origin,
      });
      const { location } = reply;
      if (location === undefined) return reply;
      const answered = await this.hydra.answered(location);
      if (answered === undefined) return location;
      next = answered;
    }
    throw new Error('Hydra does not stop asking');
  }
}
