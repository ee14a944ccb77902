/** What the token route and the callback answer. Times are seconds since 1970, `expires_in` seconds from now. */
export interface TokenResponse {
  readonly access_token: string;
  /** `DPoP`: the tokens are bound to the key of the proof that came with the request (RFC 9449 §5). */
  readonly token_type: 'Bearer' | 'DPoP';
  readonly expires: number;
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly refresh_expires?: number;
  readonly scope: string;
  /** Of a token exchange only (RFC 8693 §2.2.1). */
  readonly issued_token_type?: string;
}

/** What an identity provider gave. Times are seconds since 1970. */
interface GivenTokens {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  readonly refreshExpiresAt: number | undefined;
  readonly scope: string;
}

/** The identity provider's own tokens, in our members only. */
export function toTokenResponse(answer: GivenTokens, nowSec: number): TokenResponse {
  const { refreshToken, refreshExpiresAt } = answer;
  return {
    access_token: answer.accessToken,
    token_type: 'Bearer',
    expires: answer.expiresAt,
    expires_in: Math.max(0, answer.expiresAt - nowSec),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(refreshExpiresAt === undefined ? {} : { refresh_expires: refreshExpiresAt }),
    scope: answer.scope,
  };
}
