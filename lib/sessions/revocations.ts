import type { Clock } from '../clock/clock.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { BrokerSession, Revocation } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { ClockWatch } from './clock-watch.js';
import { KnownRevocations } from './known-revocations.js';
import { storedHash } from './refresh-tokens.js';
import type { SigningKeys } from '../keys/signing-keys.js';

/** Instances' clocks, and what they were about to write, may differ by this much. */
const MARGIN_SEC = 600;
/** Two clocks that are both in order differ by no more: each is five seconds off. */
const CLOCKS_DIFFER_SEC = 10;
/** The rows are kept this much longer than anybody needs them: a clock that is set back makes tokens valid again. */
const SET_BACK_SEC = 86_400;
/** The wall clock may go back by this much before everything is pulled again: less than what the margin covers. */
const STEP_BACK_MS = 60_000;
/** Of tokens by exchange; whoever revokes more at a time revokes all of them. */
const MOST_TOKENS_OF_SUBJECT = 100;

/** Stands for those tokens of a subject that belong to no session, where the subject's own hash stands for all. */
function sessionlessHash(subjectHash: string): string {
  return storedHash(`${subjectHash} without a session`);
}

function latest(...times: Date[]): Date {
  return new Date(Math.max(...times.map((time) => time.getTime())));
}

/** By what a token can be revoked. */
interface RevocableBy {
  readonly tokenHash: string | undefined;
  readonly subjectHashes: readonly string[];
}

function revocableBy({ sid, jti, sub }: IdTokenClaims): RevocableBy {
  const subjectHash = storedHash(sub);
  return {
    tokenHash: jti === undefined ? undefined : storedHash(jti),
    subjectHashes: sid === undefined ? [subjectHash, sessionlessHash(subjectHash)] : [subjectHash],
  };
}

/** When the last pull that succeeded began, by both clocks, and what it asked for. */
interface Pull {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly since: Date;
}

/**
 * The revocations that the guard looks at: in memory, pulled from the store every few seconds, so that a request asks no
 * database. Own ones count at once.
 *
 * Each pull brings all that may still count, so that it matters to nobody when, in which order and by whose clock they were
 * written. They count as long as any token may live, which the signing keys say and no option of a single instance does.
 */
export class Revocations {
  readonly #known: KnownRevocations;
  readonly #clocks: ClockWatch;
  /** Hashes of claims that are looked at again and again, because their token is remembered. */
  readonly #revocableBy = new WeakMap<IdTokenClaims, RevocableBy>();
  #pulled: Pull | undefined;
  #pulling: Promise<void> | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly keys: SigningKeys,
    events: OidcEvents,
  ) {
    this.#known = new KnownRevocations(clock);
    this.#clocks = new ClockWatch(events, options.clockToleranceSec);
  }

  /** Until when a revocation has to be in the store. */
  keepUntil(at: Date): Date {
    return new Date(at.getTime() + this.#countsMs() + SET_BACK_SEC * 1000);
  }

  /** Tells when a session that was read shows that the clock of another instance is ahead. */
  compareClocks({ createdAt, usedAt }: Pick<BrokerSession, 'createdAt' | 'usedAt'>): void {
    this.#clocks.saw([createdAt, usedAt], { now: this.clock.now(), notBefore: undefined });
  }

  /** Now; or when the session was used last, where another instance's clock is ahead: its tokens were issued until then. */
  endOf({ createdAt, usedAt }: Pick<BrokerSession, 'createdAt' | 'usedAt'>): Date {
    return latest(this.clock.now(), createdAt, usedAt);
  }

  /** Whether one of our tokens was revoked, or nobody can tell because the clock was set back. */
  covers(claims: IdTokenClaims): boolean {
    const { sid, iat = 0 } = claims;
    if (this.#mustPull()) return true;
    if (this.#known.isForgotten(iat)) return true;
    if (this.#known.size === 0) return false;
    if (sid !== undefined && this.#known.has('session', sid)) return true;
    const { tokenHash, subjectHashes } = this.#hashesOf(claims);
    if (tokenHash !== undefined && this.#known.has('token', tokenHash)) return true;
    // What was issued just before is refused, unless it has a session: those are ended one by one, and whoever logs in again at once,
    // maybe at an instance whose clock is behind, must not be refused for an hour.
    const issuedByMs = (iat + (sid === undefined ? 0 : CLOCKS_DIFFER_SEC)) * 1000;
    return subjectHashes.some((one) => issuedByMs <= this.#known.atMs('subject', one));
  }

  #hashesOf(claims: IdTokenClaims): RevocableBy {
    const known = this.#revocableBy.get(claims);
    if (known !== undefined) return known;
    const made = revocableBy(claims);
    this.#revocableBy.set(claims, made);
    return made;
  }

  /** Whether all tokens of a subject were revoked in that second or later. */
  coversSubject(sub: string, issuedAtSec: number): boolean {
    if (this.#known.isForgotten(issuedAtSec)) return true;
    return issuedAtSec * 1000 <= this.#known.atMs('subject', storedHash(sub));
  }

  /** Counts from now on, here; the other instances pull it from the store. */
  add(revocation: Pick<Revocation, 'kind' | 'id' | 'at'>): void {
    this.#known.add(revocation);
  }

  /**
   * Refuses one token everywhere. Of a subject that has had very many by exchange revoked, all that belong to no session are
   * refused instead, so that nobody fills everybody's memory.
   *
   * @throws {@link OAuthError} 503
   */
  async revokeToken(jti: string, { sid, sub }: IdTokenClaims): Promise<void> {
    const subjectHash = storedHash(sub);
    if (sid === undefined && this.#known.tokensOf(subjectHash) >= MOST_TOKENS_OF_SUBJECT) {
      return this.revokeSubject(subjectHash, 'without a session');
    }
    await this.#write({ kind: 'token', id: storedHash(jti), at: this.clock.now() });
    if (sid === undefined) this.#known.countTokenOf(subjectHash, storedHash(jti));
  }

  /**
   * Refuses everywhere what was issued to a subject until now: every token, or those that belong to no session, because they were
   * exchanged.
   *
   * @throws {@link OAuthError} 503
   */
  async revokeSubject(subjectHash: string, which: 'all' | 'without a session'): Promise<void> {
    const id = which === 'all' ? subjectHash : sessionlessHash(subjectHash);
    await this.#write({ kind: 'subject', id, at: this.clock.now() });
  }

  /** Makes sure that it is known what was revoked: before that no token of ours can be taken. @throws {@link OAuthError} 503 */
  async ready(): Promise<void> {
    if (this.#mustPull()) await this.pull();
    if (this.#mustPull()) await this.pull(); // the first one had begun before the clock was set back
  }

  /** Pulls what was revoked anywhere. @throws {@link OAuthError} 503 when the store cannot be asked. */
  pull(): Promise<void> {
    this.#pulling ??= this.#pullNow().finally(() => {
      this.#pulling = undefined;
    });
    return this.#pulling;
  }

  async #write(revocation: Pick<Revocation, 'kind' | 'id' | 'at'>): Promise<void> {
    const expiresAt = this.keepUntil(revocation.at);
    await this.store.ask((store) => store.addRevocation({ ...revocation, expiresAt }), {
      repeat: true,
    });
    this.add(revocation);
  }

  async #pullNow(): Promise<void> {
    await this.keys.ready();
    const now = this.clock.now();
    const monotonicMs = this.clock.monotonicMs();
    const countsMs = this.#countsMs();
    const since = new Date(now.getTime() - countsMs);
    const listed = await this.store.ask(
      (store) => store.listRevocations(since, now, this.#known.most),
      { repeat: true },
    );
    this.#compareNews(this.#known.addAll(listed, countsMs), now);
    this.#pulled = { wallMs: now.getTime(), monotonicMs, since };
  }

  /** What is new now was not there at the last pull, or that would have brought it. */
  #compareNews(news: readonly Pick<Revocation, 'at'>[], now: Date): void {
    const last = this.#mustPull() ? undefined : this.#pulled;
    const times = news.map(({ at }) => at).filter((at) => last === undefined || at >= last.since);
    const notBefore = last && new Date(last.wallMs);
    this.#clocks.saw(times, { now, notBefore });
  }

  /** Before the first pull, and when the wall clock went back since the last one: what was forgotten may count again. */
  #mustPull(): boolean {
    if (this.#pulled === undefined) return true;
    const { wallMs, monotonicMs } = this.#pulled;
    const expectedMs = wallMs + this.clock.monotonicMs() - monotonicMs;
    return this.clock.now().getTime() < expectedMs - STEP_BACK_MS;
  }

  /** How long a revocation counts: every token that was issued until then has expired by itself after that. */
  #countsMs(): number {
    const { clockToleranceSec } = this.options;
    const graceSec = this.broker.refreshGraceSec; // a token may be issued so long after the refresh that is written down
    const { longestTokenLifetimeSec } = this.keys;
    return (longestTokenLifetimeSec + graceSec + clockToleranceSec + MARGIN_SEC) * 1000;
  }
}
