import type { HtmlForm } from '../../support/html-form.js';
import { Reply } from '../../support/http-request.js';
import { UserAgent } from '../../support/user-agent.js';
import type { Keycloak } from './keycloak.js';

interface Visit {
  /** @defaultValue `'alice'` */
  user?: 'alice' | 'bob';
  /** Refuses consent. */
  deny?: boolean;
}

/** Fills Keycloak's forms; a page names both of its buttons, a browser sends the one that was clicked. */
function fill({ fields }: HtmlForm, { user = 'alice', deny = false }: Visit): FilledForm {
  if ('password' in fields) {
    return { ...fields, username: user, password: `password-of-${user}` };
  }
  if ('accept' in fields && 'cancel' in fields) {
    const { accept, cancel, ...others } = fields;
    return deny ? { ...others, cancel } : { ...others, accept };
  }
  return fields;
}

type FilledForm = Readonly<Record<string, string>>;

/** A person at Keycloak's own pages, without scripts, with cookies. */
export class KeycloakUser {
  constructor(
    private readonly keycloak: Keycloak,
    readonly agent: UserAgent = new UserAgent(),
  ) {}

  /** Goes from our login URL through Keycloak's pages; where Keycloak then sends the browser. */
  async logIn(url: string, visit: Visit = {}): Promise<URL> {
    const end = await this.#walk(url, visit);
    if (end instanceof URL) return end;
    throw new Error(`Keycloak keeps the browser: ${end.status} ${textOf(end)}`);
  }

  /** Opens the complete verification URI of a device login; what Keycloak says at the end. */
  async connectDevice(verificationUri: string, visit: Visit = {}): Promise<string> {
    const end = await this.#walk(verificationUri, visit);
    if (end instanceof Reply) return textOf(end);
    throw new Error(`Keycloak sends the browser to ${end.href}`);
  }

  /** Follows a logout URL, and confirms when asked to: where Keycloak sends the browser, else what it says. */
  async logOut(url: string): Promise<{ readonly to?: URL; readonly says?: string }> {
    const end = await this.#walk(url, {});
    return end instanceof URL ? { to: end } : { says: textOf(end) };
  }

  async #walk(url: string, visit: Visit): Promise<URL | Reply> {
    const { origin } = new URL(this.keycloak.issuer);
    return this.agent.walk(origin, url, (form) => fill(form, visit));
  }
}

function textOf(page: Reply): string {
  const body = page.text().replace(/<(script|style|head)\b.*?<\/\1>/gs, ' ');
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
