import type { ProviderTokens } from '../sessions/session-content.js';

/** What the provider's logout needs to know of a session that was ended. */
export interface EndedSession {
  /** Name of its identity provider. */
  readonly provider: string;
  /** The provider's issuer and our client there, as far as that is known: another one may have the name now. */
  readonly givenBy: Pick<ProviderTokens, 'issuer' | 'clientId'>;
  /** For the provider's `id_token_hint`. */
  readonly idToken: string | undefined;
}

/** The access token of whoever logs out. */
export interface CallersToken {
  readonly token: string;
  /** Holds it against the key that it is bound to. @throws {@link OAuthError} 401 */
  readonly prove: (key: string) => Promise<unknown>;
}

/** The session of whoever logs out: where the modes differ. */
export abstract class CallersSession {
  /**
   * Ends it.
   *
   * @returns whose it was; `undefined` when there is none. A token that is worth nothing ends nothing.
   * @throws {@link OAuthError} 400 `invalid_request` for a token of another issuer; 401 for one that is bound to a key that nobody showed: who logs
   * out is sent on with the ID token of the session; 503 when the session cannot be ended.
   */
  abstract end(caller: CallersToken): Promise<EndedSession | undefined>;
}
