import { Inject, Injectable } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import { describeError, reasonOf } from '../errors/describe-error.js';
import { printable } from '../errors/printable.js';
import { OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { type EventSink, OidcEvents } from '../events/oidc-events.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { checkAccessTokenClaims } from './check-claims.js';
import { cleanClaims } from './clean-claims.js';
import { readCompactJws } from './compact-jws.js';
import { type Verification, VerificationCache } from './verification-cache.js';
import { TokenIssuers } from './verification-keys.js';
import { verifySignature } from './verify-signature.js';

/** Freezes parsed JSON to its depths, without recursion: nesting is the sender's choice. */
function freezeDeeply(root: object): void {
  const open: object[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    Object.freeze(node);
    for (const member of Object.values(node)) {
      if (typeof member === 'object' && member !== null) open.push(member);
    }
  }
}

const UNKNOWN_ISSUER = 'unknown issuer';

/** The only way in which an access token becomes claims that are believed. */
@Injectable()
export class TokenVerifier {
  readonly #cache = new VerificationCache();
  readonly #running = new Map<string, Promise<Verification>>();

  constructor(
    private readonly issuers: TokenIssuers,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(OidcEvents) private readonly events: EventSink,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * Verifies an access token: the issuer selects the key set, the key set the key, and keys belong to one issuer.
   * A token that was verified before is not verified again while its key is published and it has not expired.
   *
   * @param endedForSec takes tokens too that ended no longer ago, for what no longer needs them to be good.
   * @throws {@link OAuthError} 401 `invalid_token`; 503 `temporarily_unavailable` when no key can be had.
   */
  async verify(token: string, { endedForSec = 0 } = {}): Promise<Verification> {
    if (token.length > this.options.maxTokenBytes)
      throw invalidToken(new Reason('too long', { option: '"maxTokenBytes"' }));
    const nowSec = epochSeconds(this.clock);
    const cacheKey = VerificationCache.keyOf(token);
    const known = this.#cache.get(cacheKey, nowSec - this.options.clockToleranceSec);
    if (known !== undefined) return known;
    // Who comes with the same token meanwhile waits for the same answer: fields of a GraphQL query come at once.
    const name = `${endedForSec} ${cacheKey}`;
    const running =
      this.#running.get(name) ??
      this.#verifyAndKeep(token, { cacheKey, nowSec, endedForSec }).finally(() =>
        this.#running.delete(name),
      );
    this.#running.set(name, running);
    return running;
  }

  async #verifyAndKeep(
    token: string,
    { cacheKey, nowSec, endedForSec }: { cacheKey: string; nowSec: number; endedForSec: number },
  ): Promise<Verification> {
    try {
      const verification = await this.#verifyAnew(token, nowSec, endedForSec);
      if (endedForSec === 0) this.#cache.set(cacheKey, verification);
      return verification;
    } catch (error) {
      this.#report(error);
      throw error;
    }
  }

  /** The caller hears one text for all; the operator must see that it is, say, the clock. */
  #report(error: unknown): void {
    if (!(error instanceof OAuthError) || error.error !== 'invalid_token') return;
    const reason = reasonOf(error)?.name ?? describeError(error.cause);
    if (reason === UNKNOWN_ISSUER) return; // reported by its own event
    this.events.emit('token-refused', { provider: DEFAULT_PROVIDER, reason });
  }

  #unknownIssuer(came: string): Reason {
    const names = this.issuers.names();
    const expected = names.length === 0 ? {} : { expected: names };
    return new Reason(UNKNOWN_ISSUER, { ...expected, came, option: this.issuers.namedBy });
  }

  async #verifyAnew(token: string, nowSec: number, endedForSec: number): Promise<Verification> {
    const jws = readCompactJws(token);
    const { tokenAlgorithms: known } = this.options;
    if (!known.includes(jws.alg)) {
      const details = { expected: known, came: jws.alg, option: '"tokenAlgorithms"' };
      throw invalidToken(new Reason('alg', details));
    }
    const issuer = await this.issuers.named(jws.iss, jws.marks);
    if (issuer === undefined) {
      this.events.emit('issuer-refused', {
        provider: DEFAULT_PROVIDER,
        issuer: printable(jws.iss),
      });
      throw invalidToken(this.#unknownIssuer(jws.iss));
    }
    // Only an identity provider may have a single key without a name (RFC 7515 §4.1.4).
    if (jws.kid === undefined && issuer.kind !== 'provider') throw invalidToken('kid');
    const { key, payload } = await verifySignature(token, jws, issuer);
    const times = {
      nowSec,
      toleranceSec: this.options.clockToleranceSec,
      maxAgeSec: this.options.maxTokenAgeSec,
      endedForSec,
    };
    checkAccessTokenClaims(payload, { typ: jws.typ, issuer, times });
    const { tokenLifetimeSec = Infinity } = key;
    if (payload.exp - (payload.iat ?? 0) > tokenLifetimeSec) throw invalidToken('lifetime');
    cleanClaims(payload, (claim, came) => {
      const { provider } = issuer;
      const source = `access token of ${printable(issuer.issuer)}`;
      this.events.emit('claim-mistyped', { provider, source, claim, came });
    });
    issuer.restrict?.(payload);
    freezeDeeply(payload);
    const accepted = () => issuer.accepts?.(payload) ?? true;
    if (!accepted()) throw invalidToken('revoked');
    return { claims: payload, issuer, holds: () => issuer.keys.holds(key) && accepted() };
  }
}
