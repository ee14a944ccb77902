import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { withoutDetails } from '../errors/shown-value.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { isReturnPath, isUnambiguous } from '../options/return-path.js';
import { parseUrl } from '../options/url-rules.js';

function isListedUrl(text: string, origins: readonly string[]): boolean {
  if (!isUnambiguous(text)) return false;
  const url = parseUrl(text);
  if (url === undefined || !origins.includes(url.origin)) return false;
  if (!/^https?:$/.test(url.protocol)) return false; // blob: has the origin of what made it
  if (url.username !== '' || url.password !== '') return false;
  return url.href === text || url.href === `${text}/`;
}

/** Where a login leads that nobody here began (OpenID Connect Core §4): a page below `publicUrl`, named by its whole address or its path, or a listed one. */
export function checkedTargetLink(
  targetLinkUri: string,
  { session, publicUrl }: Pick<ResolvedOptions, 'session' | 'publicUrl'>,
): string | undefined {
  const isOurs = publicUrl !== undefined && `${targetLinkUri}/`.startsWith(`${publicUrl}/`);
  const returnTo = isOurs ? targetLinkUri.slice(publicUrl.length) || '/' : targetLinkUri;
  return checkedReturnTo({ returnTo }, { session }, 'target_link_uri');
}

/**
 * Where a browser goes at the end of its login: `return_to`, a path below `publicUrl` or a URL. `undefined` where it asks for no session.
 *
 * @throws {@link OAuthError} 400 `invalid_request` for anything that is neither a path of ours nor on a listed origin.
 */
export function checkedReturnTo(
  {
    returnTo,
    redirectUri,
  }: { readonly returnTo?: string | undefined; readonly redirectUri?: string | undefined },
  { session }: Pick<ResolvedOptions, 'session'>,
  name: 'return_to' | 'target_link_uri' = 'return_to',
): string | undefined {
  if (session === undefined || returnTo === undefined) return undefined;
  if (redirectUri !== undefined) {
    const mend = 'return_to begins a session by cookie, redirect_uri a login that ends with tokens';
    throw refused(
      'return_to and redirect_uri exclude each other',
      new Reason('return_to beside redirect_uri', { mend }),
    );
  }
  if (isReturnPath(returnTo) || isListedUrl(returnTo, session.returnTo)) return returnTo;
  const cause = new Reason(`${name} is not allowed`, {
    expected: ['a path such as /page', ...session.returnTo],
    came: withoutDetails(returnTo),
    option: '"session.returnTo"',
    anchor: 'reason-return_to-is-not-allowed',
  });
  throw refused(cause.name, cause);
}

function refused(text: string, cause: Reason): OAuthError {
  return new OAuthError('invalid_request', text, { cause });
}
