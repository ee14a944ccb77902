import { hashedId } from '../../lib/events/oidc-events.js';
import { RefreshTokens } from '../../lib/sessions/refresh-tokens.js';
import type { Process, Timeline } from './timeline.js';

/** What the provider granted to a login. */
export interface Grant {
  readonly user: string;
  readonly sessionName: string;
  revoked: boolean;
  /** The last refresh token that was given out. */
  current: string;
  /** What was given out, and is in no row yet. */
  uncommitted: boolean;
  /** Who asked for it. */
  holder: Process | undefined;
  /** Whether it has reached who asked for it. */
  received: boolean;
  /** Why the login may be lost: a fault against which nothing helps. */
  excuse: string | undefined;
}

/** A session as it should be. */
export interface ModelSession {
  readonly name: string;
  readonly id: string;
  readonly user: string;
  readonly grant: Grant;
  /** What its client holds. */
  token: string;
  /** When each generation of refresh tokens was replaced, by its number. */
  readonly replacedAt: Map<number, number>;
  /** The one refresh token of each generation. */
  readonly tokens: Map<number, string>;
  /** Generations that are being used at this moment, also by whoever waits no longer. */
  readonly inUse: number[];
  /** How many refreshes were written. */
  commits: number;
  /** After how many of them the provider said that it was over. */
  endedByProviderAfter: number | undefined;
  /** When a refresh at the provider began under its last lease. */
  leaseAskedAt: number;
  /** Somebody has asked for its end, or uses an old token, which ends it. */
  unwanted: boolean;
  endedAt: number | undefined;
  /** Whoever ended it is to hear that he did. */
  toBeTold: boolean;
  /** How often somebody heard that he ended it, and how often he heard nothing. */
  told: number;
  untold: number;
  /** When somebody heard nothing last, who may have been ending it. */
  unansweredAt: number;
  events: number;
}

/** A minted token, as far as a guard looks at it. */
export interface MintedClaims {
  readonly session: ModelSession;
  readonly sid: string;
  readonly jti: string;
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
  readonly kid: string;
}

/** How long an end may take to be known everywhere. */
export const KNOWN_EVERYWHERE_MS = 10_000;
/** A call to the store that nobody waits for any more. */
const LONG_ON_ITS_WAY_MS = 15_000;
const GRACE_MS = 30_000;
/** Clocks, and how long a request is on its way. */
const GRACE_MARGIN_MS = 10_000;
const CALLS_END_MS = 10_000;

/** What must hold, whatever happens. Whatever does not is a violation, and the first one ends the schedule. */
export class Model {
  readonly sessions: ModelSession[] = [];
  readonly retiredAt = new Map<string, number>();
  /** Signing keys of which nobody knows whether they were retired. */
  readonly doubtfulKeys = new Set<string>();
  /** Users all of whose sessions are being ended at this moment. */
  readonly usersEnding = new Set<string>();
  /** Ended before their login was answered. */
  readonly #endedUnnamed = new Map<string, number>();
  readonly trace: string[] = [];
  violation: string | undefined;

  constructor(
    private readonly timeline: Timeline,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  note(line: string): void {
    this.trace.push(`${(this.timeline.now / 1000).toFixed(3).padStart(9)}  ${line}`);
  }

  violated(what: string): void {
    this.note(`VIOLATION: ${what}`);
    this.violation ??= what;
  }

  open(session: Pick<ModelSession, 'name' | 'id' | 'user' | 'grant' | 'token'>): ModelSession {
    const opened: ModelSession = {
      ...session,
      replacedAt: new Map(),
      tokens: new Map(),
      inUse: [],
      commits: 0,
      endedByProviderAfter: undefined,
      leaseAskedAt: 0,
      unwanted: false,
      endedAt: undefined,
      toBeTold: false,
      told: 0,
      untold: 0,
      unansweredAt: -Infinity,
      events: 0,
    };
    this.sessions.push(opened);
    const endedAt = this.#endedUnnamed.get(session.id);
    if (endedAt === undefined && !this.usersEnding.has(session.user)) return opened;
    // All of the user's are being ended, and this one is found or not.
    Object.assign(opened, { unwanted: true, endedAt, untold: 1 });
    return opened;
  }

  find(id: string): ModelSession | undefined {
    return this.sessions.find((one) => one.id === id);
  }

  /** By the name that it has in events. */
  named(hashed: string): ModelSession | undefined {
    return this.sessions.find((one) => hashedId(one.id) === hashed);
  }

  /** An event told of an end. */
  heard(hashed: string, reason: string, process: Process): void {
    const session = this.named(hashed);
    this.note(`${process.name} tells that ${session?.name ?? '?'} ended: ${reason}`);
    if (session === undefined) return;
    session.events += 1;
    session.toBeTold ||= reason === 'logout' || reason === 'revoked';
  }

  generationOf(token: string): number {
    return this.refreshTokens.read(token)?.generation ?? 0;
  }

  /** A refresh token came: each generation has one. */
  received(session: ModelSession, token: string): void {
    const generation = this.generationOf(token);
    const known = session.tokens.get(generation);
    if (known !== undefined && known !== token) {
      this.violated(`${session.name} has two refresh tokens of generation ${generation}`);
    }
    session.tokens.set(generation, token);
    if (generation > this.generationOf(session.token)) session.token = token;
  }

  /** A lease was taken: what its former holder got and did not write is lost. */
  leaseTaken(id: string, askedAt: number): void {
    const session = this.find(id);
    if (session === undefined) return;
    const { grant } = session;
    const over = this.timeline.now - session.leaseAskedAt >= CALLS_END_MS;
    if (grant.uncommitted && grant.received && over)
      grant.excuse ??= 'written too late, and the lease was over';
    session.leaseAskedAt = askedAt;
  }

  /** A refresh was written. */
  committed(id: string, replaced: number): void {
    const session = this.find(id);
    if (session === undefined) return;
    session.commits += 1;
    session.grant.uncommitted = false;
    if (!session.replacedAt.has(replaced)) session.replacedAt.set(replaced, this.timeline.now);
  }

  /** The store was told that a session is over. */
  ended(id: string, by: Process): void {
    const session = this.find(id);
    if (session === undefined) {
      this.#endedUnnamed.set(id, this.timeline.now);
      return;
    }
    session.endedAt = this.timeline.now;
    if (this.timeline.now - session.unansweredAt < LONG_ON_ITS_WAY_MS) session.untold += 1;
    this.note(`${session.name} is ended by ${by.name}`);
    if (session.unwanted || session.grant.excuse !== undefined) return;
    if (session.endedByProviderAfter === session.commits) return;
    if (session.inUse.some((generation) => this.#isLate(session, generation))) return;
    this.violated(`${session.name} was ended, and nobody wanted that`);
  }

  #isLate({ replacedAt }: ModelSession, generation: number): boolean {
    const at = replacedAt.get(generation);
    return at !== undefined && this.timeline.now - at > GRACE_MS - GRACE_MARGIN_MS;
  }

  /** Somebody heard nothing. */
  unanswered(session: ModelSession): void {
    session.unansweredAt = this.timeline.now;
    if (session.endedAt !== undefined) session.untold += 1;
  }

  /** Somebody was refused with `invalid_grant`. */
  refused(session: ModelSession, what: string): void {
    if (session.endedAt === undefined) {
      this.violated(`${what} of ${session.name} was refused, and it has not ended`);
    }
  }

  /** The guard of an instance that had every chance to know took a token, or did not. */
  judged(claims: MintedClaims, taken: boolean, knowsSince: number): void {
    const { session } = claims;
    if (this.doubtfulKeys.has(claims.kid)) return;
    const retired = this.retiredAt.get(claims.kid);
    const overSince = Math.min(session.endedAt ?? Infinity, retired ?? Infinity);
    const known = Math.max(overSince, knowsSince) + KNOWN_EVERYWHERE_MS <= this.timeline.now;
    if (taken && known) this.violated(`a token of ${session.name} was taken after its end`);
    if (!taken && overSince === Infinity && !session.unwanted) {
      this.violated(`a good token of ${session.name} was refused`);
    }
  }

  /** What must hold when everything has calmed down. */
  finish(): void {
    for (const session of this.sessions) {
      const { name, endedAt, told, untold, events, grant, toBeTold } = session;
      if (endedAt === undefined) {
        if (told > 0) this.violated(`somebody was told that he ended ${name}, and it lives`);
        continue;
      }
      if (untold > 0) continue;
      if (events === 0) this.violated(`no event told of the end of ${name}`);
      if (told > 1) this.violated(`${told} were told that they ended ${name}`);
      if (toBeTold && told === 0) {
        this.violated(`nobody was told that ${name} was ended`);
      }
      if (!grant.revoked) this.violated(`the provider was not told that ${name} was ended`);
    }
  }
}
