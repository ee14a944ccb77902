import type { Credentials, Look } from './identity.js';
import type { Verification } from './verification-cache.js';

/** What a session's row says of its user at the moment. */
export type LookedUp = Verification & Omit<Look, 'again'>;

/** Callers by session cookie, where there are any; also the injection token. */
export abstract class CookieCallers {
  /**
   * Whose session the cookie of a request is; at once, without a promise, where that is remembered.
   *
   * @param isUse moves the idle limit of the session.
   * @returns `undefined` for a request without a session cookie, or with two: it brings no credentials.
   * @throws {@link OAuthError} 401 `invalid_token` for a session that is over, or none of ours; 403 `access_denied` where another site's page made the
   * request; 503.
   */
  abstract verify(
    credentials: Credentials,
    isUse: boolean,
  ): LookedUp | undefined | Promise<LookedUp>;
}
