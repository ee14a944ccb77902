import type { IdTokenClaims } from './id-token-claims.js';

/** Who is logged in by cookie, as the session route says it; `expires` is the session's end, in seconds since 1970. */
export type BrowserSessionState =
  | { readonly authenticated: false }
  | { readonly authenticated: true; readonly claims: IdTokenClaims; readonly expires: number };
