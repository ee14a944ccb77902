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
import { checkCharacters } from './bearer-token.js';
import { boundKeyOf } from './bound-key.js';
import { type TimeRules, checkAccessTokenClaims, checkTimes } from './check-claims.js';
import { cleanClaims } from './clean-claims.js';
import { looksLikeJws, readCompactJws } from './compact-jws.js';
import { completed, kindOfOpaque, saysAccessToken } from './introspection.js';
import { membersOf } from './nesting.js';
import { unprovable } from './possession.js';
import { type Verification, VerificationCache } from './verification-cache.js';
import {
  type Introspection,
  type TokenIssuer,
  TokenIssuers,
  type VerificationKey,
} from './verification-keys.js';
import { verifySignature } from './verify-signature.js';

/** Freezes parsed JSON to its depths, without recursion: nesting is the sender's choice. */
function freezeDeeply(root: object): void {
  const open: object[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    Object.freeze(node);
    for (const member of membersOf(node)) {
      if (typeof member === 'object' && member !== null) open.push(member);
    }
  }
}

/** Of the process, for OpenTelemetry to read: a call of it for each request would cost more than the rest. */
export const VERIFICATIONS = { remembered: 0, verified: 0, refused: 0 };

const UNKNOWN_ISSUER = 'unknown issuer';

/** A token that was read in one of the two ways, before its claims are looked at. */
interface ReadToken {
  readonly payload: Record<string, unknown>;
  readonly typ: string | undefined;
  readonly issuer: TokenIssuer;
  /** What it was signed with; an opaque token is not. */
  readonly key?: VerificationKey;
  readonly isFresh?: () => boolean;
}

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
   * Verifies an access token that needs nothing beside it; one that is bound to a key is refused.
   *
   * @throws as {@link verifyUnproved}
   */
  async verify(token: string): Promise<Verification> {
    const verification = await this.verifyUnproved(token);
    if (boundKeyOf(verification.claims) !== undefined) throw unprovable();
    return verification;
  }

  /**
   * Verifies an access token: the issuer selects the key set, the key set the key, and keys belong to one issuer.
   * A token that was verified before is not verified again while its key is published and it has not expired. Whether its sender holds
   * the key that it may be bound to ({@link boundKeyOf}) is for the caller to see to.
   *
   * @param endedForSec takes tokens too that ended no longer ago, for what no longer needs them to be good.
   * @throws {@link OAuthError} 401 `invalid_token`; 503 `temporarily_unavailable` when no key can be had.
   */
  async verifyUnproved(token: string, { endedForSec = 0 } = {}): Promise<Verification> {
    if (token.length > this.options.maxTokenBytes)
      throw invalidToken(new Reason('too long', { option: '"maxTokenBytes"' }));
    const known = this.remembered(token);
    if (known !== undefined) return known;
    checkCharacters(token); // so that no other one is ever remembered
    if (endedForSec > 0) return this.#verifyAndReport(token, endedForSec);
    // Who comes with the same token meanwhile waits for the same answer: fields of a GraphQL query come at once.
    const running = this.#running.get(token) ?? this.#verifyAndKeep(token);
    this.#running.set(token, running);
    return running;
  }

  /**
   * The verification of a token that was verified before, and need not be verified again: it has not expired, its key is published, nothing has
   * been revoked. Asks nobody. Whether its sender holds the key that it may be bound to is for the caller to see to.
   */
  remembered(token: string): Verification | undefined {
    const nowSec = epochSeconds(this.clock);
    const known = this.#cache.get(token, nowSec - this.options.clockToleranceSec);
    if (known !== undefined) VERIFICATIONS.remembered += 1;
    return known;
  }

  async #verifyAndKeep(token: string): Promise<Verification> {
    try {
      const verification = await this.#verifyAndReport(token, 0);
      this.#cache.set(token, verification);
      return verification;
    } finally {
      this.#running.delete(token);
    }
  }

  async #verifyAndReport(token: string, endedForSec: number): Promise<Verification> {
    try {
      const verification = await this.#verifyAnew(token, epochSeconds(this.clock), endedForSec);
      VERIFICATIONS.verified += 1;
      return verification;
    } catch (error) {
      VERIFICATIONS.refused += 1;
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
    const times = {
      nowSec,
      toleranceSec: this.options.clockToleranceSec,
      maxAgeSec: this.options.maxTokenAgeSec,
      endedForSec,
    };
    const reading = looksLikeJws(token)
      ? this.#readJws(token, times)
      : this.#readOther(token, times);
    const { payload, typ, issuer, key, isFresh } = await reading;
    checkAccessTokenClaims(payload, { typ, issuer, times });
    const { tokenLifetimeSec = Infinity } = key ?? {};
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
    const holds = () => (key === undefined || issuer.keys.holds(key)) && accepted();
    return { claims: payload, issuer, holds, ...(isFresh && { isFresh }) };
  }

  async #readOther(token: string, times: TimeRules): Promise<ReadToken> {
    const introspection = await this.issuers.introspectionOf(token);
    if (introspection === undefined) return this.#readJws(token, times); // which says what is wrong
    return this.#readOpaque(token, introspection, times);
  }

  async #readJws(token: string, times: TimeRules): Promise<ReadToken> {
    const jws = readCompactJws(token);
    const { tokenAlgorithms: known } = this.options;
    if (!known.includes(jws.alg)) {
      const details = { expected: known, came: jws.alg, option: '"tokenAlgorithms"' };
      throw invalidToken(new Reason('alg', details));
    }
    const issuer = await this.issuers.named(jws.iss, jws.marks);
    if (issuer === undefined) throw this.#refusedIssuer(jws.iss);
    // Only an identity provider may have a single key without a name (RFC 7515 §4.1.4).
    if (jws.kid === undefined && issuer.kind !== 'provider') throw invalidToken('kid');
    const { key, payload } = await verifySignature(token, jws, issuer);
    const { introspection } = issuer;
    const { typ } = jws;
    if (introspection === undefined) return { payload, typ, issuer, key };
    checkTimes(payload, times); // one that is over is not asked about
    const { answer, isFresh } = await this.#ask(introspection, token);
    saysAccessToken({ ...answer, cnf: answer['cnf'] ?? payload['cnf'] });
    return { payload: completed(payload, answer), typ, issuer, key, isFresh };
  }

  async #readOpaque(
    token: string,
    introspection: Introspection,
    { nowSec }: TimeRules,
  ): Promise<ReadToken> {
    const { answer, isFresh } = await this.#ask(introspection, token);
    const issuer = await introspection.issuerOf(answer['iss']);
    if (issuer === undefined) throw this.#refusedIssuer(String(answer['iss']));
    // What has no end of its own is known for as long as the answer counts.
    const exp = answer['exp'] ?? nowSec + Math.max(1, introspection.cacheSec);
    const typ = kindOfOpaque(answer, issuer.accessTokenMark);
    return { payload: { ...answer, iss: issuer.issuer, exp }, typ, issuer, isFresh };
  }

  async #ask(
    introspection: Introspection,
    token: string,
  ): Promise<{ answer: Record<string, unknown>; isFresh: () => boolean }> {
    const untilMs = this.clock.monotonicMs() + introspection.cacheSec * 1000;
    const answer = await introspection.ask(token);
    return { answer, isFresh: () => this.clock.monotonicMs() < untilMs };
  }

  #refusedIssuer(iss: string): OAuthError {
    this.events.emit('issuer-refused', { provider: DEFAULT_PROVIDER, issuer: printable(iss) });
    return invalidToken(this.#unknownIssuer(iss));
  }
}
