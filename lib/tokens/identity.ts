import type { RequestHeaders } from './bearer-token.js';
import type { IdTokenClaims } from './id-token-claims.js';

/** What a request brings to say who sent it, whatever way it came. */
export interface Credentials {
  readonly headers: RequestHeaders;
  /** Names and values as they came, `IncomingMessage.rawHeaders`, where there are any. */
  readonly rawHeaders?: readonly string[] | undefined;
  /** Of an HTTP request. Where it is not told, the session cookie does not count: forgery could not be told from the caller's own. */
  readonly method?: string | undefined;
  /** They open a connection that goes on: the session cookie counts only with an `Origin` of ours, whatever the method is. */
  readonly handshake?: true;
  /** Of an HTTP request: its target as it came (`/path?query`). Where it or the method is not told, no proof of possession counts (RFC 9449). */
  readonly url?: string | undefined;
  /** The request, where many decisions may belong to one: what was refused or proved once in it is not verified again. */
  readonly request?: object;
}

/** The caller that a verified token names, as rules and handlers see it. */
export interface Identity {
  /** Verified and frozen. */
  readonly claims: IdTokenClaims;
  /** Name of the identity provider that the caller logged in with; `undefined` for users of trusted issuers. */
  readonly provider: string | undefined;
  /** The flat role list. */
  readonly roles: readonly string[];
  /** Whether a session cookie named the caller, and no token. */
  readonly byCookie?: true;
  /** What the caller's next proofs of possession should hold: the header `DPoP-Nonce` of the answer (RFC 9449 §8.2). */
  readonly dpopNonce?: string;
  /** Whether the token would still be taken, its expiry aside: not once it was revoked, or its key withdrawn. */
  readonly holds: () => boolean;
  /** Where what is said of the caller may change: of a session cookie. A token says one thing until it ends. */
  readonly look?: Look;
}

/** A look at what is known of a caller at the moment. */
export interface Look {
  /** Whether it is young enough to be relied on. */
  readonly isFresh: () => boolean;
  /** How long what was seen counts where nobody can look again, in seconds since 1970. */
  readonly untilSec: number;
  /**
   * Looks again, which is no use of the session.
   *
   * @throws {@link OAuthError} 401 when the session is over; 403 when the caller no longer meets the rule; 502, 503 when nobody can tell.
   */
  readonly again: () => Promise<Identity>;
}
