import type { ApiDocument } from '../documents/api-document.js';
import type { ClientKeySet } from '../documents/client-key-set.js';
import type { ProviderList } from '../documents/provider-list.js';
import type { BrokerDocuments } from '../documents/broker-documents.js';
import type { Introspect } from '../documents/introspect.js';
import type { DiagnosisRequest } from '../diagnosis/diagnostics.js';
import type { Diagnosis } from '../diagnosis/finding.js';
import type { Health } from '../diagnosis/health.js';
import type { KeySource } from '../http/remote-key-set.js';
import type { TokenGrants } from '../grants/token-grants.js';
import type { SigningKeys } from '../keys/signing-keys.js';
import type { BackchannelLogout } from '../logout/backchannel-logout.js';
import type { Logout } from '../logout/logout.js';
import type { Revoke } from '../logout/revoke.js';
import type { ClientCredentials } from '../providers/client-credentials.js';
import type { SessionRefresh } from '../sessions/session-refresh.js';
import type { UserSessions } from '../sessions/user-sessions.js';
import type { TokenVerifier } from '../tokens/token-verifier.js';
import type { TokenIssuers } from '../tokens/verification-keys.js';
import type { UserProfiles } from '../users/user-profiles.js';
import type { CookieCallers } from '../tokens/cookie-callers.js';
import type { BrowserParts } from './browser-parts.js';
import type { Logins } from './logins.js';

/** What only broker mode has. */
export interface BrokerOnly {
  /** Our name in the tokens that we mint. */
  readonly issuer: string;
  readonly backchannelLogout: BackchannelLogout;
  readonly introspection: Introspect;
  readonly documents: BrokerDocuments;
  readonly keys: SigningKeys;
  readonly sessionRefresh: SessionRefresh;
  readonly userSessions: UserSessions;
}

/**
 * Passthrough or broker mode: what the service is made of. Which one it is is asked once, where it is made (`create-mode.ts`);
 * everybody else asks this for the part that is needed. Also the injection token.
 */
export abstract class Mode {
  /** Whose access tokens the guard takes. */
  abstract readonly issuers: TokenIssuers;
  /** Verifies them. */
  abstract readonly verifier: TokenVerifier;
  abstract readonly logins: Logins;
  abstract readonly grants: TokenGrants;
  abstract readonly logout: Logout;
  abstract readonly revocation: Revoke;
  abstract readonly profiles: UserProfiles;
  abstract readonly apiDocument: ApiDocument;
  abstract readonly providerList: ProviderList;
  abstract readonly clientKeySet: ClientKeySet;
  abstract readonly clientCredentials: ClientCredentials;
  abstract readonly health: Health;

  /** Sessions by cookie; `undefined` without the option `session`. */
  abstract readonly browser: BrowserParts | undefined;

  /** Callers by cookie. */
  get cookies(): CookieCallers | undefined {
    return this.browser?.cookies;
  }

  /** Where the keys of trusted issuers come from, by issuer. */
  trustedSources(): readonly (readonly [string, KeySource])[] {
    return [];
  }

  /** Our name as an issuer of tokens; `undefined` where none are minted. */
  abstract readonly issuer: string | undefined;

  /** Looks at everything that the application lives on. Never throws. */
  abstract diagnose(request: DiagnosisRequest): Promise<Diagnosis>;

  /** The issuers whose access tokens a client of this application brings. @throws {@link OAuthError} 502, 503 */
  abstract authorizationServers(): Promise<readonly string[]>;

  /** @throws {@link OAuthError} 404 `invalid_request` in passthrough mode, where that does not exist. */
  abstract readonly brokerOnly: BrokerOnly;
}
