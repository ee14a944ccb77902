import type { Clock } from '../clock/clock.js';
import type { Revocation } from '../contract/broker-store.js';

/** So many are remembered. What was revoked before the earliest of them is refused by its age alone. */
const MOST = 100_000;

type Revoked = Pick<Revocation, 'kind' | 'id' | 'at'>;

interface KnownRevocation {
  readonly atMs: number;
  /** From when on it counts, monotonic: a wall clock that is set back makes nothing valid again. */
  readonly sinceMs: number;
}

/** The revocations that an instance has in memory: few or many, but never more than a fixed number for long. */
export class KnownRevocations {
  readonly most = MOST;
  /** By kind, then by id: a name made of both for each look would cost more than the look. */
  readonly #known: Readonly<Record<Revocation['kind'], Map<string, KnownRevocation>>> = {
    session: new Map(),
    token: new Map(),
    subject: new Map(),
  };
  /** Hashes of revoked tokens of a subject. */
  readonly #tokensOf = new Map<string, string[]>();
  /** Whatever was issued until then counts as revoked: there were more than can be remembered. */
  #forgottenUntilMs = -Infinity;

  constructor(private readonly clock: Clock) {}

  get size(): number {
    const { session, token, subject } = this.#known;
    return session.size + token.size + subject.size;
  }

  has(kind: Revocation['kind'], id: string): boolean {
    return this.#known[kind].has(id);
  }

  /** When it was revoked last; minus infinity: never, as far as is known. */
  atMs(kind: Revocation['kind'], id: string): number {
    return this.#known[kind].get(id)?.atMs ?? -Infinity;
  }

  /** Whether what was issued in that second may have been revoked by one of those that are not remembered. */
  isForgotten(issuedAtSec: number): boolean {
    return issuedAtSec * 1000 <= this.#forgottenUntilMs;
  }

  /** @returns whether it was not known yet, or an earlier one of its kind and id. */
  add({ kind, id, at }: Revoked): boolean {
    const known = this.#known[kind].get(id);
    const atMs = at.getTime();
    if (known !== undefined && known.atMs >= atMs) return false;
    const aheadMs = Math.max(0, atMs - this.clock.now().getTime());
    this.#known[kind].set(id, { atMs, sinceMs: this.clock.monotonicMs() + aheadMs });
    return true;
  }

  /**
   * Everything that counts, as it was pulled; beyond {@link most} the latest of it.
   *
   * @param countsMs how long each of them counts.
   * @returns what was not known yet.
   */
  addAll(listed: readonly Revoked[], countsMs: number): readonly Revoked[] {
    const isCut = listed.length >= MOST;
    const kept = isCut
      ? listed.toSorted((one, other) => other.at.getTime() - one.at.getTime()).slice(0, MOST)
      : listed;
    const news = kept.filter((revocation) => this.add(revocation));
    this.#forgottenUntilMs = isCut ? (kept.at(-1)?.at.getTime() ?? -Infinity) : -Infinity;
    this.#forget(countsMs);
    return news;
  }

  /** How many tokens of a subject were counted here and are still known. */
  tokensOf(subjectHash: string): number {
    return this.#tokensOf.get(subjectHash)?.length ?? 0;
  }

  /** Counts a token that was {@link add}ed. */
  countTokenOf(subjectHash: string, id: string): void {
    const ids = this.#tokensOf.get(subjectHash) ?? [];
    ids.push(id);
    this.#tokensOf.set(subjectHash, ids);
  }

  #forget(countsMs: number): void {
    const overMs = this.clock.monotonicMs() - countsMs;
    for (const known of Object.values(this.#known)) {
      for (const [id, { atMs, sinceMs }] of known) {
        if (sinceMs < overMs || atMs < this.#forgottenUntilMs) known.delete(id);
      }
    }
    for (const [subjectHash, ids] of this.#tokensOf) {
      const left = ids.filter((id) => this.#known.token.has(id));
      if (left.length > 0) this.#tokensOf.set(subjectHash, left);
      else this.#tokensOf.delete(subjectHash);
    }
  }
}
