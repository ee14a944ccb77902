import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { readCompactJws } from '../tokens/compact-jws.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { brokerOptions } from '../options/broker-only.js';

const ENDED_FOR_SEC = 86_400;

/** Reads access tokens where only our own count. Nobody is asked about a token of anybody else. */
@Injectable()
export class OwnTokens {
  constructor(
    private readonly verifier: TokenVerifier,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Reads a token that is there to end something: what was left open over night has ended meanwhile, and its session has not.
   * So it must verify in everything but `exp`, which may be a day ago at most.
   *
   * @returns the claims of a token of ours; `'foreign'` when it names another issuer; `undefined` when it is worth nothing.
   * @throws {@link OAuthError} 503 while our keys cannot be read.
   */
  async read(token: string): Promise<IdTokenClaims | 'foreign' | undefined> {
    const { issuer } = brokerOptions(this.options);
    try {
      if (readCompactJws(token).iss !== issuer) return 'foreign';
      return (await this.verifier.verify(token, { endedForSec: ENDED_FOR_SEC })).claims;
    } catch (error) {
      if (error instanceof OAuthError && error.error === 'invalid_token') return undefined;
      throw error;
    }
  }
}
