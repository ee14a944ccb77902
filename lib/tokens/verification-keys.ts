import type { CryptoKey, KeyObject } from 'jose';
import type { ClaimDemand } from '../options/claim-constraint.js';
import type { AccessTokenMark } from '../options/provider-options.js';
import type { IdTokenClaims } from './id-token-claims.js';

/** A public key that belongs to one issuer. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** The key for one algorithm. */
  readonly key: CryptoKey | KeyObject;
  /** The entry of the key set that it came from, by identity. */
  readonly source: object;
  /** No token that it signed lives longer; absent where nobody says so. */
  readonly tokenLifetimeSec?: number;
}

/** What a token's header says of its key. */
export interface KeyHeader {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** The keys of one issuer. */
export interface VerificationKeys {
  /**
   * The keys that a token's header selects: none when this issuer has none that fits, several only where it published
   * different ones of a kind under one id. Without a promise where they are at hand.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` when the keys cannot be read at all.
   */
  candidates(header: KeyHeader): readonly VerificationKey[] | Promise<readonly VerificationKey[]>;

  /** Whether the key is still in the set: verifications made with it hold only as long. */
  holds(key: VerificationKey): boolean;
}

/** Whose tokens they are: the identity provider's, our own, or those of another instance that is trusted. */
export type IssuerKind = 'provider' | 'own' | 'peer';

/** What the verifier must know of an issuer; the keys belong to it alone. */
export interface TokenIssuer {
  readonly kind: IssuerKind;
  /** Compared with `iss` as an exact string. */
  readonly issuer: string;
  readonly provider: string;
  readonly keys: VerificationKeys;
  readonly algorithms: readonly string[];
  /** One of these must be in `aud`; `false`: the token must have been issued to {@link clientId}. */
  readonly audience: readonly string[] | false;
  readonly clientId: string;
  /** Other clients at this issuer that are known here: `aud` of an ID token is one of them, or {@link clientId}. */
  readonly otherClientIds?: readonly string[];
  /** Clients whose `resource_access` counts as roles. */
  readonly roleClients: readonly string[];
  /** What tells its access tokens from its ID tokens; `undefined`: what the specifications say. */
  readonly accessTokenMark?: AccessTokenMark | undefined;
  /** Its tokens come from its token endpoint, as access tokens, and not from a caller who may hold other JWTs too. */
  readonly cameAsAccessToken?: boolean;
  /** Demanded of its tokens wherever a rule names no claims of its own. */
  readonly defaultDemands: readonly ClaimDemand[];
  /** Demanded of its tokens everywhere. */
  readonly demands: readonly ClaimDemand[];
  /** Takes out of a verified payload what this issuer may not give. */
  readonly restrict?: (payload: Record<string, unknown>) => void;
  /** Asked about its JWTs too, once their signature holds. */
  readonly introspection?: Introspection;
  /** Looked at on each use of a token, remembered or not: revocation, trust withdrawn. */
  readonly accepts?: (claims: IdTokenClaims) => boolean;
}

/** An issuer that can be asked what a token of its own is worth (RFC 7662). */
export interface Introspection {
  /** How long an answer counts, in seconds. */
  readonly cacheSec: number;
  /**
   * What it says of an active token.
   *
   * @throws {@link OAuthError} 401 `invalid_token` for one that is not active; 503 without a usable answer.
   */
  ask(token: string): Promise<Record<string, unknown>>;
  /** Who that is, by the name that an answer gives; without a name the only one that it has. */
  issuerOf(iss: unknown): Promise<TokenIssuer | undefined>;
}

/** What a token that nobody has verified yet says of whom it is for: it chooses among entries of one issuer, and proves nothing. */
export interface IssuerMarks {
  readonly audiences: readonly string[];
  /** The client that it was issued to. */
  readonly party: string | undefined;
}

/** The issuers that are trusted; also the injection token. */
export abstract class TokenIssuers {
  /** The options that name them: for the log. */
  readonly namedBy: string = '"discoveryUrl", "issuer", "accessTokenIssuers"';

  /**
   * The issuer of exactly that name, or `undefined` when it is not trusted.
   *
   * @param marks tells entries apart that share the name.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` while it cannot be known.
   */
  abstract named(iss: string, marks?: () => IssuerMarks): Promise<TokenIssuer | undefined>;

  /**
   * Who is asked about a token that is no JWT: nobody unless an issuer says so.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` while it cannot be known.
   */
  async introspectionOf(_token: string): Promise<Introspection | undefined> {
    return undefined;
  }

  /** The names that are expected, as far as they are known without asking anybody: for the log. */
  names(): readonly string[] {
    return [];
  }
}
