/** What access tokens of our own can say, beside what a host's `mapClaims` adds. */
export const MINTED_CLAIMS: readonly string[] =
  'iss sub aud exp iat jti sid idp idp_iss client_id scope preferred_username email email_verified roles acr amr auth_time'.split(
    ' ',
  );
