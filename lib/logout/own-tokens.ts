import { OAuthError } from '../errors/oauth.error.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { readCompactJws } from '../tokens/compact-jws.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { TokenVerifier } from '../tokens/token-verifier.js';

const ENDED_FOR_SEC = 86_400;

/** Reads access tokens where only our own count. Nobody is asked about a token of anybody else. */
export class OwnTokens {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly broker: ResolvedBrokerOptions,
  ) {}

  /**
   * Reads a token that is there to end something: what was left open over night has ended meanwhile, and its session has not.
   * So it must verify in everything but `exp`, which may be a day ago at most.
   *
   * @returns the claims of a token of ours; `'foreign'` when it names another issuer; `undefined` when it is worth nothing.
   * @throws {@link OAuthError} 503 while our keys cannot be read.
   */
  async read(token: string): Promise<IdTokenClaims | 'foreign' | undefined> {
    const { issuer } = this.broker;
    try {
      if (readCompactJws(token).iss !== issuer) return 'foreign';
      return (await this.verifier.verifyUnproved(token, { endedForSec: ENDED_FOR_SEC })).claims;
    } catch (error) {
      if (error instanceof OAuthError && error.error === 'invalid_token') return undefined;
      throw error;
    }
  }
}
