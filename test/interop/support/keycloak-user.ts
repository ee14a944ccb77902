import { firstForm, type HtmlForm } from '../../support/html-form.js';
import { Reply } from '../../support/http-request.js';
import { LOOPBACK_REDIRECT, type OpenLogin } from '../../support/open-login.js';
import { UserAgent } from '../../support/user-agent.js';
import type { KeycloakRealm, RealmUser } from './keycloak-realm.js';

/** What a person does at Keycloak's pages. */
export interface Visit {
  /** @defaultValue `'alice'` */
  readonly user?: RealmUser;
  /** Refuses consent. */
  readonly deny?: boolean;
  /** Gives the one-time password that a page asks for; without it none is expected. */
  readonly otp?: () => string;
}

export interface LoginOptions extends Visit {
  readonly redirectUri?: string;
  /** More parameters of our login route. */
  readonly query?: Readonly<Record<string, string>>;
}

/** A person with a browser at Keycloak's own pages: forms and cookies, no scripts. */
export class KeycloakUser {
  constructor(
    private readonly realm: KeycloakRealm,
    readonly agent: UserAgent = new UserAgent(),
  ) {}

  /** Goes from a login route of ours through Keycloak's pages; where Keycloak then sends the browser. */
  async visit(
    app: { readonly url: string },
    { redirectUri = LOOPBACK_REDIRECT, query = {}, ...visit }: LoginOptions = {},
  ): Promise<URL> {
    const parameters = new URLSearchParams({ redirect_uri: redirectUri, ...query });
    const end = await this.#walk(`${app.url}/auth/v2/login?${parameters.toString()}`, visit);
    if (end instanceof URL) return end;
    throw new Error(`Keycloak keeps the browser: ${end.status} ${textOf(end)}`);
  }

  /** The same for a login that succeeds and that nobody redeemed yet. */
  async logIn(app: { readonly url: string }, options: LoginOptions = {}): Promise<OpenLogin> {
    const { searchParams } = await this.visit(app, options);
    const state = searchParams.get('state') ?? '';
    return {
      agent: this.agent,
      redirectUri: options.redirectUri ?? LOOPBACK_REDIRECT,
      code: searchParams.get('code') ?? '',
      state,
      handle: state.slice(state.lastIndexOf('|') + 1),
    };
  }

  /** The form that Keycloak's page would send to our callback (`form_post`). */
  async answerByForm(url: string): Promise<HtmlForm> {
    const end = await this.#walk(url, {});
    const form = end instanceof Reply ? firstForm(end.text(), end.url) : undefined;
    if (form !== undefined) return form;
    throw new Error(`Keycloak sends no form: ${end instanceof Reply ? textOf(end) : end.href}`);
  }

  /** Opens the complete verification URI of a device login; what Keycloak says at the end. */
  async connectDevice(verificationUri: string, visit: Visit = {}): Promise<string> {
    const end = await this.#walk(verificationUri, visit);
    if (end instanceof Reply) return textOf(end);
    throw new Error(`Keycloak sends the browser to ${end.href}`);
  }

  /** Follows a logout URL through Keycloak's confirmation; where Keycloak sends the browser. */
  async logOut(url: string | URL): Promise<string> {
    const end = await this.#walk(url, {});
    return end instanceof URL ? end.href : textOf(end);
  }

  async #walk(url: string | URL, visit: Visit): Promise<URL | Reply> {
    const { origin } = new URL(this.realm.issuer);
    return this.agent.walk(origin, url, (form) => filled(form, visit));
  }
}

/** Fills a form and clicks one of its buttons. */
function filled(
  { action, fields }: HtmlForm,
  { user = 'alice', deny = false, otp }: Visit,
): Readonly<Record<string, string>> {
  if ('otp' in fields && otp !== undefined) return { ...fields, otp: otp() };
  if ('password' in fields) return { ...fields, username: user, password: `password-of-${user}` };
  if (!action.pathname.endsWith('/consent')) return fields;
  return { ...fields, ...(deny ? { cancel: 'No' } : { accept: 'Yes' }) };
}

/** What a page says to a person. */
export function textOf(page: Reply): string {
  const body = page.text().replace(/<(script|style|head)\b.*?<\/\1>/gs, ' ');
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
