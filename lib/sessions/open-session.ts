import type { BrokerSession } from '../contract/broker-store.js';
import type { ProviderTokens, SessionContent } from './session-content.js';

/** A session with what it remembers in secret. */
export interface OpenSession {
  readonly session: BrokerSession;
  readonly content: SessionContent;
}

/** A login that ended well, and becomes a session. */
export interface FinishedSession {
  /** Unique to the login, however often and wherever it is redeemed. */
  readonly loginId: string;
  /** Name of the identity provider, and its issuer. */
  readonly provider: string;
  readonly issuer: string;
  /** `sid` of its ID token, if it had one. */
  readonly providerSession: string | undefined;
  readonly content: Omit<SessionContent, 'refreshToken'>;
}

/** Who ends a session. */
export interface EndedBy {
  /** A refresh, which may end it only while this lease is its own (fencing). */
  readonly leaseId?: string;
  /** Tokens of the provider that are newer than those in the row, to be given back in their place. */
  readonly newest?: ProviderTokens | undefined;
  /** Nothing is given back at the provider: another session lives on the same grant, maybe. */
  readonly grantLivesOn?: boolean;
}
