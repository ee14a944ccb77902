/** What the option `onLogin` is told. */
export interface LoginNotice {
  /** Name of the identity provider in this module's configuration. */
  provider: string;
  /** A token exchange counts as a login too, so that who is refused here cannot come in that way. */
  grant: 'authorization_code' | 'device_code' | 'token_exchange';
  /**
   * The claims of the validated ID token; absent when a device login brought none. In broker mode all that the provider said:
   * its access token, if that verifies, else its ID token, else userinfo decides what a claim is. `acr` and `amr` are among them where
   * the provider says them.
   */
  claims?: Readonly<Record<string, unknown>>;
}

/** The paths that a loopback redirect URI may have (RFC 8252 §7.3). */
export interface LoopbackRedirectOptions {
  /** @defaultValue `['/callback']` */
  paths: readonly string[];
}
