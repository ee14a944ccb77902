/** What every event says. Ids are SHA-256 hashes, cut to 16 hexadecimal digits, so that logs can be joined but not used. */
interface EventBase {
  /** Name of the identity provider in this module's configuration. */
  provider: string;
  /** What the option `requestId` gave. */
  requestId?: string;
}

/** Why a session ended. */
export type SessionEndReason =
  | 'logout'
  | 'revoked'
  | 'replaced'
  | 'login-failed'
  | 'refresh-token-reused'
  | 'provider-ended-it'
  | 'subject-changed'
  | 'issuer-changed'
  | 'audience-changed'
  | 'claims-no-longer-allowed'
  | 'undecryptable';

/** The events of {@link OidcEvents} by name, with what each listener receives. */
export interface OidcEventMap {
  /** A login (browser or device) ended with tokens. `subject` is hashed; absent when no ID token came. */
  login: EventBase & {
    grant: 'authorization_code' | 'device_code' | 'token_exchange';
    subject?: string;
    session?: string;
  };
  /** A refresh token was exchanged at the identity provider. */
  refresh: EventBase & { session?: string };
  /** Broker mode: a refresh token was used again after its grace time; the session was ended. */
  'refresh-token-reused': EventBase & { session: string };
  /** Broker mode: a session ended. */
  'session-ended': EventBase & { session: string; reason: SessionEndReason };
  /** Broker mode: after a refresh the user's claims could not be renewed, and those of before were used. */
  'claims-not-renewed': EventBase & { session: string; reason: string };
  /**
   * Broker mode: what the provider gave at a refresh could not be kept, and was given back. Where it rotates its refresh tokens,
   * the user has to log in again. `reason` holds names and codes only.
   */
  'renewal-lost': EventBase & { session: string; reason: string };
  /** Broker mode: a signing key was made (it signs later), began to sign, or was retired in an emergency. */
  'signing-key': EventBase & { kid: string; change: 'created' | 'signs' | 'retired' };
  /** Broker mode: the store could not be asked. `reason` holds names and codes only. */
  'store-failed': EventBase & { reason: string };
  /**
   * Broker mode: what another instance wrote shows that its clock and ours differ by more than `clockToleranceSec`, or that it
   * was frozen. `aheadSec` says how far its clock is ahead, negative: behind.
   */
  'clocks-differ': EventBase & { aheadSec: number };
  /** Broker mode: something in the store cannot be decrypted with `encryptionKeys`. */
  undecryptable: EventBase & { what: 'session' | 'signing-key' };
  /** Somebody was sent to the identity provider's logout. */
  logout: EventBase;
  /** A token was handed to the identity provider's revocation endpoint. */
  revoke: EventBase & { token: string };
  /** A token named an issuer that is not configured. `issuer` is escaped and cut. */
  'issuer-refused': EventBase & { issuer: string };
  /**
   * Broker mode: a name of the provider's access tokens (`accessTokenIssuers`, or `access_token_issuer` of its metadata) is our own
   * or a trusted issuer's too; tokens with it are not exchanged.
   */
  'issuer-claimed-twice': EventBase & { issuer: string };
  /** A token was refused. `reason` names what did not hold, never its value. */
  'token-refused': EventBase & { reason: string };
  /**
   * A claim has another type than its specification fixes (OpenID Connect Core §5.1, RFC 9068 §2.2), and what cannot be used of it counts as
   * absent. `source` says where it was, `came` its type: never a value.
   */
  'claim-mistyped': EventBase & { source: string; claim: string; came: string };
  /** The identity provider's key set changed. The ids are those of the keys. */
  'keys-changed': EventBase & { added: string[]; removed: string[] };
  /** The key set could not be renewed and the last one goes on serving. */
  'stale-keys-served': EventBase & { ageSec: number };
  /** The key set of a trusted issuer changed. `issuer` is escaped and cut; the ids are those of the keys. */
  'peer-keys-changed': EventBase & { issuer: string; added: string[]; removed: string[] };
  /** The key set of a trusted issuer could not be renewed and the last one goes on serving. */
  'stale-peer-keys-served': EventBase & { issuer: string; ageSec: number };
  /** A trusted issuer did not answer, or with nothing usable. `reason` holds names and codes only. */
  'peer-failed': EventBase & { issuer: string; reason: string };
  /** The function of `broker.trustedIssuers` failed, or gave no usable list; the last good one stays in force. */
  'trusted-issuers-failed': EventBase & { reason: string };
  /** The function of the option `providers` failed, or gave no map; the last one stays in force. */
  'providers-failed': EventBase & { reason: string };
  /** An entry that the function of the option `providers` gave is of no use, and left out. */
  'provider-dropped': EventBase & { reason: string };
  /** The identity provider refused this application's own credentials. */
  'client-rejected': EventBase & { error: string };
  /** The identity provider does not let this client use a grant (`unauthorized_client`). */
  'grant-refused': EventBase & { grant: string };
  /**
   * The identity provider did not answer, or nothing usable. `address` is where it was asked; `reason` holds names and codes, and
   * what a claim of an ID token should have been.
   */
  'provider-failed': EventBase & { reason: string; address?: string };
  /** The identity provider answered about another subject than the one asked for. */
  'subject-mismatch': EventBase & { subject: string };
  /** Broker mode: the ID token of a refresh is of another issuer, or for another client, than that of the login. */
  'id-token-mismatch': EventBase & { subject: string; reason: string };
  /** Broker mode: a logout token did not hold. `reason` names what was wrong with it. */
  'logout-token-refused': EventBase & { reason: string };
}

export type OidcEventName = keyof OidcEventMap;
