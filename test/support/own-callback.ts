import { openLogin, type OpenLogin } from './open-login.js';
import type { UserAgent } from './user-agent.js';

/** Our own callback, as an application without prefixes publishes it. */
export function ownCallback(app: { readonly url: string }): string {
  return `${app.url}/auth/v2/callback`;
}

/** A login that is to end at our own callback, and that the provider has sent back already. */
export function openOwnLogin(
  app: { readonly url: string },
  agent?: UserAgent,
  query: Readonly<Record<string, string>> = {},
): Promise<OpenLogin> {
  return openLogin(app, {
    redirectUri: ownCallback(app),
    query,
    ...(agent === undefined ? {} : { agent }),
  });
}

/**
 * Where the provider sends the browser at the end of a login. Changes replace parameters of the
 * authorization response; `undefined` takes one out.
 *
 * @example `agent.get(wayBack(login, provider, { iss: undefined }))`
 */
export function wayBack(
  { redirectUri, code, state }: OpenLogin,
  { issuer }: { readonly issuer: string },
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const parameters = Object.entries({ code, state, iss: issuer, ...changes });
  const sent = parameters.filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${redirectUri}?${new URLSearchParams(sent).toString()}`;
}
