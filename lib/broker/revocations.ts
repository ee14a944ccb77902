import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { Revocation } from '../store/broker-store.js';
import { StoreAccess } from '../store/store-access.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { storedHash } from './refresh-tokens.js';

/** Instances' clocks, and writes that were under way at the last pull, may differ by this much. */
const OVERLAP_MS = 120_000;
/** Beyond their tokens' lifetime, for clocks that are set back. */
const MARGIN_SEC = 600;

interface KnownRevocation {
  readonly atMs: number;
  /** Monotonic: a wall clock that is set back makes nothing valid again. */
  readonly dropAtMs: number;
}

/** Stands for those tokens of a subject that belong to no session, where the subject's own hash stands for all. */
export function sessionlessHash(subjectHash: string): string {
  return storedHash(`${subjectHash} without a session`);
}

/**
 * The revocations that the guard looks at: in memory, pulled from the store every few seconds, so that a request asks no
 * database. Own ones count at once.
 */
@Injectable()
export class Revocations {
  readonly #known = new Map<string, KnownRevocation>();
  #pulledUntil: Date | undefined;
  #pulling: Promise<void> | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(Clock) private readonly clock: Clock,
    private readonly store: StoreAccess,
  ) {}

  /** Until when a revocation of now has to be known: every token issued until now has expired by then. */
  keepUntil(now: Date): Date {
    return new Date(now.getTime() + this.#lifetimeMs());
  }

  /** Whether one of our tokens was revoked. */
  covers({ sid, jti, sub, iat }: IdTokenClaims): boolean {
    if (this.#known.size === 0) return false;
    if (sid !== undefined && this.#known.has(`session ${sid}`)) return true;
    if (jti !== undefined && this.#known.has(`token ${storedHash(jti)}`)) return true;
    const hash = storedHash(sub);
    const atMs = this.#revokedAtMs(hash, ...(sid === undefined ? [sessionlessHash(hash)] : []));
    // `iat` is a whole second. What was issued in the very second of the revocation is refused, unless it has a session: those are
    // ended one by one, and whoever logs in again at once must not be refused for an hour.
    const issuedByMs = ((iat ?? 0) + (sid === undefined ? 0 : 1)) * 1000;
    return issuedByMs <= atMs;
  }

  /** Whether all tokens of a subject were revoked in that second or later. */
  coversSubject(sub: string, issuedAtSec: number): boolean {
    return issuedAtSec * 1000 <= this.#revokedAtMs(storedHash(sub));
  }

  /** Counts from now on, here; the other instances pull it from the store. */
  add({ kind, id, at }: Pick<Revocation, 'kind' | 'id' | 'at'>): void {
    const name = `${kind} ${id}`;
    const known = this.#known.get(name);
    if (known !== undefined && known.atMs >= at.getTime()) return;
    const dropAtMs = this.clock.monotonicMs() + this.#lifetimeMs();
    this.#known.set(name, { atMs: at.getTime(), dropAtMs });
  }

  /** Makes sure that they were pulled once: before that nobody knows what was revoked. @throws {@link OAuthError} 503 */
  async ready(): Promise<void> {
    if (this.#pulledUntil === undefined) await this.pull();
  }

  /** Pulls what was revoked anywhere. @throws {@link OAuthError} 503 when the store cannot be asked. */
  pull(): Promise<void> {
    this.#pulling ??= this.#pullNow().finally(() => {
      this.#pulling = undefined;
    });
    return this.#pulling;
  }

  async #pullNow(): Promise<void> {
    const now = this.clock.now();
    const since = new Date((this.#pulledUntil?.getTime() ?? OVERLAP_MS) - OVERLAP_MS);
    const revoked = await this.store.ask((store) => store.listRevocations(since, now), {
      repeat: true,
    });
    for (const revocation of revoked) this.add(revocation);
    this.#pulledUntil = now;
    this.#forget();
  }

  /** When tokens of one of these kinds were revoked last. */
  #revokedAtMs(...ids: string[]): number {
    const times = ids.map((id) => this.#known.get(`subject ${id}`)?.atMs ?? -Infinity);
    return Math.max(...times);
  }

  #forget(): void {
    const now = this.clock.monotonicMs();
    for (const [name, { dropAtMs }] of this.#known) {
      if (dropAtMs <= now) this.#known.delete(name);
    }
  }

  #lifetimeMs(): number {
    const lifetime = this.options.broker?.accessTokenLifetimeSec ?? 0;
    return (lifetime + this.options.clockToleranceSec + MARGIN_SEC) * 1000;
  }
}
