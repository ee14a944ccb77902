import type { TokenResponse } from '../tokens/token-response.js';
import type { LoginCookie } from './login-cookies.js';

/** Tokens for the caller, and the login cookies to remove with them. */
export interface IssuedTokens {
  readonly tokens: TokenResponse;
  readonly cookies: readonly LoginCookie[];
  /** What the client's next proofs of possession should hold (RFC 9449 §8.2): the header `DPoP-Nonce`. */
  readonly dpopNonce?: string;
}
