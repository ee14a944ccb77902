import type { CryptoKey, KeyObject } from 'jose';

/** A public key that belongs to one issuer. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** The key for one algorithm. */
  readonly key: CryptoKey | KeyObject;
  /** The entry of the key set that it came from, by identity. */
  readonly source: object;
}

/** The keys of one issuer. */
export interface VerificationKeys {
  /**
   * The key that a token's header selects, or `undefined` when this issuer has none that fits.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` when the keys cannot be read at all.
   */
  find(header: { alg: string; kid: string | undefined }): Promise<VerificationKey | undefined>;

  /** Whether the key is still in the set: verifications made with it hold only as long. */
  holds(key: VerificationKey): boolean;
}

/** What the verifier must know of an issuer; the keys belong to it alone. */
export interface TokenIssuer {
  /** Compared with `iss` as an exact string. */
  readonly issuer: string;
  readonly provider: string;
  readonly keys: VerificationKeys;
  readonly algorithms: readonly string[];
  /** One of these must be in `aud`; `false`: the token must have been issued to {@link clientId}. */
  readonly audience: readonly string[] | false;
  readonly clientId: string;
}

/** The issuers that are trusted; also the injection token. */
export abstract class TokenIssuers {
  /**
   * The issuer of exactly that name, or `undefined` when it is not trusted.
   *
   * @throws {@link OAuthError} 503 `temporarily_unavailable` while it cannot be known.
   */
  abstract named(iss: string): Promise<TokenIssuer | undefined>;
}
