import type { Deadline } from '../clock/deadline.js';
import type { OAuthError } from '../errors/oauth.error.js';
import type { SessionEndReason } from '../events/oidc-events.js';
import type { BrokerSession } from '../contract/broker-store.js';
import type { ProviderTokens, SessionContent } from './session-content.js';

/** What a refresh at the identity provider changes of a session. */
export type RenewedTokens = Pick<
  SessionContent,
  'provider' | 'claims' | 'profile' | 'said' | 'scope'
>;

/** The identity provider or the host says that a session may not go on. */
export class SessionEnd extends Error {
  constructor(
    readonly reason: SessionEndReason,
    /** What the caller is told. */
    readonly refusal: OAuthError,
    /** Tokens of the provider that came with it, and are newer than those of the session. */
    readonly newest?: ProviderTokens,
  ) {
    super(reason);
  }
}

/** What sessions need of the identity provider; also the injection token. */
export abstract class UpstreamTokens {
  /**
   * Makes sure that the provider can be asked, so that a refresh does not fail half-way for want of its metadata.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable`
   */
  abstract prepare(): Promise<void>;

  /**
   * Refreshes the provider's tokens and the user's claims.
   *
   * @param deadline the provider is asked nothing that could last longer.
   * @throws {@link SessionEnd} when the session is over; {@link OAuthError} when it is not, and nothing was changed.
   */
  abstract renew(
    session: BrokerSession,
    content: SessionContent,
    deadline: Deadline,
  ): Promise<RenewedTokens>;

  /** Gives the provider's tokens back (RFC 7009): best effort, three seconds at most, never throws. */
  abstract revoke(tokens: ProviderTokens): Promise<void>;
}
