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
  readonly #known = new Map<string, KnownRevocation>();
  /** Names of revoked tokens of a subject. */
  readonly #tokensOf = new Map<string, string[]>();
  /** Whatever was issued until then counts as revoked: there were more than can be remembered. */
  #forgottenUntilMs = -Infinity;

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.#known.size;
  }

  has(kind: Revocation['kind'], id: string): boolean {
    return this.#known.has(nameOf(kind, id));
  }

  /** When it was revoked last; minus infinity: never, as far as is known. */
  atMs(kind: Revocation['kind'], id: string): number {
    return this.#known.get(nameOf(kind, id))?.atMs ?? -Infinity;
  }

  /** Whether what was issued in that second may have been revoked by one of those that are not remembered. */
  isForgotten(issuedAtSec: number): boolean {
    return issuedAtSec * 1000 <= this.#forgottenUntilMs;
  }

  add({ kind, id, at }: Revoked): void {
    const name = nameOf(kind, id);
    const known = this.#known.get(name);
    const atMs = at.getTime();
    if (known !== undefined && known.atMs >= atMs) return;
    const aheadMs = Math.max(0, atMs - this.clock.now().getTime());
    this.#known.set(name, { atMs, sinceMs: this.clock.monotonicMs() + aheadMs });
  }

  /**
   * Everything that counts, as it was pulled; beyond {@link most} the latest of it.
   *
   * @param countsMs how long each of them counts.
   */
  addAll(listed: readonly Revoked[], countsMs: number): void {
    const isCut = listed.length >= MOST;
    const kept = isCut
      ? listed.toSorted((one, other) => other.at.getTime() - one.at.getTime()).slice(0, MOST)
      : listed;
    for (const revocation of kept) this.add(revocation);
    this.#forgottenUntilMs = isCut ? (kept.at(-1)?.at.getTime() ?? -Infinity) : -Infinity;
    this.#forget(countsMs);
  }

  /** How many tokens of a subject were counted here and are still known. */
  tokensOf(subjectHash: string): number {
    return this.#tokensOf.get(subjectHash)?.length ?? 0;
  }

  /** Counts a token that was {@link add}ed. */
  countTokenOf(subjectHash: string, id: string): void {
    const names = this.#tokensOf.get(subjectHash) ?? [];
    names.push(nameOf('token', id));
    this.#tokensOf.set(subjectHash, names);
  }

  #forget(countsMs: number): void {
    const overMs = this.clock.monotonicMs() - countsMs;
    for (const [name, { atMs, sinceMs }] of this.#known) {
      if (sinceMs < overMs || atMs < this.#forgottenUntilMs) this.#known.delete(name);
    }
    for (const [subjectHash, names] of this.#tokensOf) {
      const left = names.filter((name) => this.#known.has(name));
      if (left.length > 0) this.#tokensOf.set(subjectHash, left);
      else this.#tokensOf.delete(subjectHash);
    }
  }
}

function nameOf(kind: Revocation['kind'], id: string): string {
  return `${kind} ${id}`;
}
