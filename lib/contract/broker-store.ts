/** A refresh token that was replaced, kept while its grace time runs. */
export interface ReplacedGeneration {
  readonly generation: number;
  readonly at: Date;
}

/** What a refresh changes of a session; see {@link BrokerSession} for the members. */
export interface SessionState {
  readonly usedAt: Date;
  readonly expiresAt: Date;
  readonly generation: number;
  readonly refreshHash: string | undefined;
  readonly replaced: readonly ReplacedGeneration[];
  readonly sealed: string;
}

/**
 * One login of one user. Ids and hashes are lower-case hexadecimal, so that no database's collation can confuse two of
 * them; what is secret or personal is in {@link sealed}, encrypted before it gets here.
 */
export interface BrokerSession extends SessionState {
  /** `sid` of the tokens: 32 hexadecimal digits. */
  readonly id: string;
  /** Names the login that this session came from, SHA-256. Unique: a second session of the same login is refused. */
  readonly loginHash: string;
  /** Name of the identity provider in this module's configuration. */
  readonly provider: string;
  /** SHA-256 of the minted `sub`. */
  readonly subjectHash: string;
  /** SHA-256 of the identity provider's issuer and `sub`. */
  readonly providerSubjectHash: string;
  /** SHA-256 of the identity provider's issuer and `sid`; `undefined` when its ID token named none. */
  readonly providerSessionHash: string | undefined;
  readonly createdAt: Date;
  /** Absolute limit: no refresh moves it. */
  readonly endsAt: Date;
  /** The earlier of the absolute and the idle limit: from then on the session does not exist any more. */
  readonly expiresAt: Date;
  /** When its last refresh was. */
  readonly usedAt: Date;
  /** Number of the current refresh token, counted from 1; grows with each rotation. */
  readonly generation: number;
  /** SHA-256 of the current refresh token; `undefined` when none was given out. */
  readonly refreshHash: string | undefined;
  /** At most 100, oldest first. */
  readonly replaced: readonly ReplacedGeneration[];
  /** Encrypted text of at most 60,000 characters. */
  readonly sealed: string;
  /** Who may talk to the identity provider for this session, and until when. */
  readonly leaseId: string | undefined;
  readonly leaseUntil: Date | undefined;
  /** SHA-256 of the browser's session cookie; absent where the session is no browser's. Never changes. */
  readonly cookieHash?: string | undefined;
}

/** What a session is looked for by, beside its id. */
export type SessionFilter =
  | { readonly subjectHash: string }
  | { readonly providerSubjectHash: string }
  | { readonly providerSessionHash: string };

/** A wish for the lease of a session. */
export interface LeaseRequest {
  /** Random, new for each attempt: it is what a commit is compared with (fencing). 32 hexadecimal digits. */
  readonly leaseId: string;
  readonly until: Date;
  readonly now: Date;
  /** The generation that the caller read; a session that moved on meanwhile gives no lease. */
  readonly generation: number;
}

/** What the use of a browser's session writes; see {@link BrokerSession} for the members. */
export interface SessionUse {
  /** The session's own: another browser's use does not prolong it. */
  readonly cookieHash: string;
  readonly usedAt: Date;
  readonly expiresAt: Date;
  readonly now: Date;
}

/** How a session is ended. */
export interface SessionEnding {
  readonly at: Date;
  /** Until when its end has to be listed among the revocations. */
  readonly keepUntil: Date;
  /** Only while this lease is the one that the session has (fencing): whoever lost it has nothing to say any more. */
  readonly leaseId?: string | undefined;
  /** Random, new for each end: who repeats it because an answer was lost hears once more that it was he. 32 hexadecimal digits. */
  readonly endingId?: string | undefined;
}

/** Tokens that are refused before they expire. */
export interface Revocation {
  /** `session`: every token of that `sid`; `token`: one `jti`; `subject`: every token of that `sub` issued until {@link at}. */
  readonly kind: 'session' | 'token' | 'subject';
  /** The session id; for the others the SHA-256 of `jti` or `sub`, or one made of it that stands for some of its tokens. */
  readonly id: string;
  readonly at: Date;
  /** From then on it need not be known any more: the tokens have expired by themselves. */
  readonly expiresAt: Date;
}

/** A signing key of the application, shared by all instances. */
export interface StoredSigningKey {
  /** 1 for the first key, one more for each next one. Unique: who inserts a number first has made that key. */
  readonly sequence: number;
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: string;
  /** The private JWK, encrypted; the public one is derived from it. */
  readonly sealed: string;
  readonly createdAt: Date;
  /** From when it signs; it is published from its creation on. */
  readonly signsFrom: Date;
  /** Set in an emergency: from then on it neither signs nor verifies. */
  readonly retiredAt: Date | undefined;
}

/** The last key set that a trusted issuer published, for times when it cannot be reached. */
export interface StoredPeerKeys {
  readonly issuer: string;
  /** SHA-256 of {@link issuer}. Unique. */
  readonly issuerHash: string;
  /** The JWKS as JSON, 60,000 characters at most. */
  readonly jwks: string;
  readonly fetchedAt: Date;
}

/**
 * Where broker mode keeps its sessions and keys; also the injection token. A class of the host's own extends it.
 *
 * Each method is one intention and atomic by itself: nothing here needs a transaction. Times are the caller's
 * clock, never the database's. Reads see what was written before (primary, majority). A method that rejects means that
 * the store could not be asked; the caller then answers 503 and nothing is lost.
 */
export abstract class BrokerStore {
  /**
   * Called once, before anything else: connects, and checks that the tables are there.
   *
   * @throws {@link OidcConfigError} for a mistake of the host's developer, which stops start-up.
   */
  async open(): Promise<void> {}

  /** Called once, at shutdown. Closes what {@link open} opened, never a connection of the host's. */
  async close(): Promise<void> {}

  /** Writes a new session. `false`: that login has a session already, and nothing was written. */
  abstract createSession(session: BrokerSession): Promise<boolean>;

  /** `undefined` when unknown, revoked, or expired at `now`, whatever {@link purgeExpired} did. */
  abstract findSession(id: string, now: Date): Promise<BrokerSession | undefined>;

  /** The sessions that {@link findSession} would find, newest first, at most 1000. */
  abstract listSessions(filter: SessionFilter, now: Date): Promise<BrokerSession[]>;

  /**
   * Takes the lease in one atomic step, while nobody holds one that runs beyond `now`, the generation is the one
   * given, and the session is neither revoked nor expired. Of any number of simultaneous calls exactly one gets `true`.
   */
  abstract takeLease(id: string, request: LeaseRequest): Promise<boolean>;

  /**
   * Writes what a refresh changed and gives the lease back, in one atomic step, and only while the lease is still this one
   * and the session is not revoked. `false`: the lease went to somebody else, or the session ended; nothing was written.
   */
  abstract rotateSession(id: string, leaseId: string, state: SessionState): Promise<boolean>;

  /**
   * Moves the idle limit of a browser's session, in one atomic step, and only while it is neither revoked nor expired at `now`, its cookie
   * is this one, and it was used before `usedAt`. The lease does not matter. `false`: nothing was written.
   *
   * Not abstract, so that stores of a version before go on compiling: without it, and without keeping {@link BrokerSession.cookieHash},
   * a store takes no sessions of browsers (option `session`), and start-up says so.
   */
  async touchSession(_id: string, _use: SessionUse): Promise<boolean> {
    throw new TypeError(
      'This store keeps no sessions of browsers: it does not override touchSession()',
    );
  }

  /** Gives a lease back, if it is still this one. */
  abstract releaseLease(id: string, leaseId: string): Promise<void>;

  /**
   * Ends a session: it is not found any more, {@link listRevocations} names it until `keepUntil`, and its sealed text is
   * emptied. Atomic. `false` when there was none to end (unknown, of another lease than the one given, or revoked before: by an end with
   * another id).
   */
  abstract revokeSession(id: string, ending: SessionEnding): Promise<boolean>;

  /** Adds a revocation of a token or a subject; of two with the same kind and id the later times count, `expiresAt` too. */
  abstract addRevocation(revocation: Revocation): Promise<void>;

  /**
   * Revocations, those of sessions included, whose `at` is `since` or later and that have not expired at `now`. A store may
   * leave out sessions beyond `limit` and others beyond `limit`; those with the latest `at` stay.
   */
  abstract listRevocations(since: Date, now: Date, limit?: number): Promise<Revocation[]>;

  /** `false`: another instance has made the key of that sequence number, and nothing was written. */
  abstract insertSigningKey(key: StoredSigningKey): Promise<boolean>;

  /** All keys, by sequence. */
  abstract listSigningKeys(): Promise<StoredSigningKey[]>;

  /** Retires a key at once. `false` when there is none, or it was retired before. */
  abstract retireSigningKey(sequence: number, at: Date): Promise<boolean>;

  /** Replaces the encrypted private key, if it is still `expected`: the key-encryption key has changed. */
  abstract resealSigningKey(
    sequence: number,
    sealed: { expected: string; next: string },
  ): Promise<boolean>;

  /** Removes a key that nothing can need any more; with `kid`, unless another key has its number by now. */
  abstract deleteSigningKey(sequence: number, kid?: string): Promise<void>;

  /** Writes the key set of an issuer, over the one before. Simultaneous calls do not disturb each other. */
  abstract savePeerKeys(keys: StoredPeerKeys): Promise<void>;

  /** All key sets of trusted issuers. */
  abstract listPeerKeys(): Promise<StoredPeerKeys[]>;

  /** Removes a key set; with `fetchedAt`, unless another one has been written over it by now. */
  abstract deletePeerKeys(issuerHash: string, fetchedAt?: Date): Promise<void>;

  /**
   * Removes sessions and revocations that expired before `before`, at most `limit` of each. What is renewed or revoked at the
   * same time stays.
   *
   * @returns how many were removed; fewer than `limit` means that none are left.
   */
  abstract purgeExpired(before: Date, limit: number): Promise<number>;
}
