/** The session of whoever logs out: where the modes differ. */
export abstract class CallersSession {
  /**
   * Ends it.
   *
   * @returns its ID token, for the provider's `id_token_hint`; `undefined` when there is none. A token that is worth nothing ends nothing.
   * @throws {@link OAuthError} 400 `invalid_request` for a token of another issuer; 503 when the session cannot be ended.
   */
  abstract end(accessToken: string): Promise<string | undefined>;
}
