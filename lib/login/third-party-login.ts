import type { ResolvedOptions } from '../options/resolve-options.js';
import { checkedTargetLink } from './return-to.js';

/** What others begin a login with (OpenID Connect Core §4); it ends with a session by cookie. */
export interface ThirdPartyRequest {
  readonly redirectUri?: string | undefined;
  readonly returnTo?: string | undefined;
  /** Issuer of the identity provider to log in at. */
  readonly iss?: string | undefined;
  /** Where to go then. Default: `/`. */
  readonly targetLinkUri?: string | undefined;
}

/**
 * Where a login ends that somebody else began, a portal or the identity provider itself.
 *
 * @returns `undefined` for every other login, and without the option `session`.
 * @throws {@link OAuthError} 400 `invalid_request` for a target that `return_to` may not name either.
 */
export function thirdPartyTarget(
  { redirectUri, returnTo, iss, targetLinkUri = '/' }: ThirdPartyRequest,
  options: Pick<ResolvedOptions, 'session' | 'publicUrl'>,
): string | undefined {
  if (iss === undefined || redirectUri !== undefined || returnTo !== undefined) return undefined;
  return checkedTargetLink(targetLinkUri, options);
}
