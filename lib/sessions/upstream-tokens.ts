import type { Deadline } from '../clock/deadline.js';
import type { OAuthError } from '../errors/oauth.error.js';
import type { SessionEndReason } from '../events/oidc-events.js';
import type { BrokerSession } from '../contract/broker-store.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
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
   * Makes sure that the provider of a session can be asked, so that a refresh does not fail half-way for want of its metadata.
   *
   * @throws {@link OAuthError} 400 `invalid_grant` for a provider that is gone; 503 `temporarily_unavailable`
   */
  abstract prepare(session: BrokerSession): Promise<void>;

  /**
   * Holds a session against the provider that is there now; asks nobody.
   *
   * @throws {@link OAuthError} 400 `invalid_grant` for a provider that is gone: it may come back; {@link SessionEnd} when another one is
   * there under its name.
   */
  abstract check(session: BrokerSession, content: SessionContent): Promise<void>;

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

  /** Gives tokens back to the provider that gave them (RFC 7009): best effort, three seconds at most, never throws. */
  abstract revoke(provider: string, tokens: ProviderTokens): Promise<void>;

  /** Makes sure that {@link accepts} knows. @throws {@link OAuthError} 503 `temporarily_unavailable` */
  abstract ready(): Promise<void>;

  /** Whether what our token says of its user's provider still holds: it is there, and the same one as then. */
  abstract accepts(claims: IdTokenClaims): boolean;

  /** Our client at a provider. */
  abstract clientIdAt(provider: string): string;
}
