import { type Clock, epochSeconds } from '../clock/clock.js';
import type { BrokerSession } from '../contract/broker-store.js';
import { OAuthError, invalidToken } from '../errors/oauth.error.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedBrowserSessions } from '../options/resolve-browser-sessions.js';
import type { StoreAccess } from '../store/store-access.js';
import type { LookedUp } from '../tokens/cookie-callers.js';
import { VerificationCache } from '../tokens/verification-cache.js';
import type { BrowserClaims } from './browser-claims.js';
import { equalHashes } from './refresh-tokens.js';
import type { PresentedReference, SessionReferences } from './session-references.js';
import type { SessionRefresh } from './session-refresh.js';
import { type Sessions, newId } from './sessions.js';
import { type FinishedSession, type OpenSession } from './open-session.js';

const USE_WRITTEN_EVERY_MS = 300_000;
/** The provider is asked so long before the claims are over. */
const RENEWED_EARLY_MS = 60_000;

/** A look at the row of a session. */
interface RememberedLook extends LookedUp {
  readonly presented: PresentedReference;
  /** Absolute limit of the session. */
  readonly endsAt: Date;
  /** When the use was written last, as far as this instance knows. */
  usedAtMs: number;
  outdated: boolean;
}

/** What lasts is looked at again every two seconds besides: within ten it knows what has become of its session (GW-2). */
const LONGEST_REMEMBERED_SEC = 8;

/** A session that a login began, and the value of its cookie, which exists nowhere else. */
export interface BegunBrowserSession extends OpenSession {
  readonly reference: string;
}

/**
 * Sessions of browsers, found by the reference in their cookie. What a row says is remembered no longer than a revocation may take, so that a busy page
 * costs one read of the store every few seconds, and its claims are renewed at the provider under the lease that refreshes take too.
 */
export class BrowserSessions {
  readonly #looks = new VerificationCache<RememberedLook>();
  readonly #running = new Map<string, Promise<RememberedLook>>();

  constructor(
    private readonly options: ResolvedBrowserSessions,
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly sessions: Sessions,
    private readonly refresh: SessionRefresh,
    private readonly references: SessionReferences,
    private readonly claims: BrowserClaims,
  ) {}

  /** Writes the session of a login, under a reference that nobody knew before. @returns and throws as {@link Sessions.create}. */
  async begin(login: FinishedSession): Promise<BegunBrowserSession | undefined> {
    const now = this.clock.now();
    const id = newId();
    const { reference, hash: cookieHash } = this.references.issue(id);
    const content = {
      ...login.content,
      refreshToken: undefined,
      claimsAt: epochSeconds(this.clock),
    };
    const renewable = content.provider.refreshToken !== undefined;
    const { sessionLifetimeSec } = this.broker;
    const lifetimeSec = renewable
      ? sessionLifetimeSec
      : Math.min(sessionLifetimeSec, this.options.unrenewedSec);
    const endsAt = after(now, lifetimeSec);
    const expiresAt = this.#idleEnd(now, endsAt);
    const open = await this.sessions.insert(login, { id, content, endsAt, expiresAt, cookieHash });
    return open && { ...open, reference };
  }

  /**
   * Whose session a reference is; at once, without a promise, where it was looked at lately and nothing has to be written.
   *
   * @param isUse moves the idle limit.
   * @throws {@link OAuthError} 401 `invalid_token` for one that is over, or none of ours; 502, 503.
   */
  verify(reference: string, isUse: boolean): LookedUp | Promise<LookedUp> {
    const nowMs = this.clock.now().getTime();
    const known = this.#looks.get(reference, Math.floor(nowMs / 1000)); // only what was read is ever remembered
    const suffices = known !== undefined && !(isUse && this.#isUseDue(known, nowMs));
    return suffices ? known : this.#lookAndUse(reference, known, isUse);
  }

  async #lookAndUse(
    reference: string,
    known: RememberedLook | undefined,
    isUse: boolean,
  ): Promise<LookedUp> {
    const look = known ?? (await this.#lookOnce(reference));
    if (isUse && this.#isUseDue(look, this.clock.now().getTime())) await this.#use(look);
    return look;
  }

  /** The session of a reference, straight from the store; `undefined` when it is over, or was none. @throws {@link OAuthError} 503 */
  async find(reference: string): Promise<BrokerSession | undefined> {
    const presented = this.references.read(reference);
    const session = presented && (await this.sessions.find(presented.sessionId));
    return session && equalHashes(presented.hash, session.cookieHash) ? session : undefined;
  }

  /**
   * Ends what a browser had before a login. Of the same user at the same provider the provider is told nothing: the grant may be one
   * and the same.
   *
   * @throws {@link OAuthError} 503
   */
  async replace(reference: string, next: BrokerSession): Promise<void> {
    const session = await this.find(reference);
    if (session === undefined || session.id === next.id) return;
    const grantLivesOn =
      session.provider === next.provider &&
      session.providerSubjectHash === next.providerSubjectHash;
    await this.sessions.end(session, 'replaced', { grantLivesOn });
  }

  #read(reference: string): PresentedReference {
    const presented = this.references.read(reference);
    if (presented === undefined) throw invalidToken('not a session cookie of ours');
    return presented;
  }

  /** All tabs of a browser come at once, and wait for one read. */
  async #lookOnce(reference: string): Promise<RememberedLook> {
    const running =
      this.#running.get(reference) ??
      this.#look(reference).finally(() => this.#running.delete(reference));
    this.#running.set(reference, running);
    return running;
  }

  async #look(reference: string): Promise<RememberedLook> {
    const presented = this.#read(reference);
    const { sessionId, hash } = presented;
    const issuer = await this.claims.issuer();
    const readAtMs = this.clock.monotonicMs();
    const found = await this.sessions.find(sessionId);
    if (found === undefined || !equalHashes(hash, found.cookieHash)) {
      throw invalidToken('the session is over');
    }
    const content = await this.sessions.open(found);
    if (content === undefined) throw invalidToken('undecryptable');
    const state = { outdated: false };
    const { session, ...open } = await this.#renewed({ session: found, content }, state);
    const verification = this.claims.of({ session, ...open }, issuer);
    if (!verification.holds()) throw invalidToken('revoked');
    const rememberedSec = Math.min(this.broker.revocationPollSec, LONGEST_REMEMBERED_SEC);
    const untilMs = readAtMs + rememberedSec * 1000;
    const look: RememberedLook = Object.assign(state, {
      ...verification,
      presented,
      endsAt: session.endsAt,
      usedAtMs: session.usedAt.getTime(),
      isFresh: () => !state.outdated && this.clock.monotonicMs() < untilMs,
    });
    this.#looks.set(reference, look);
    return look;
  }

  /** Claims that are still good serve while newer ones are fetched; those that are over do not. */
  async #renewed(open: OpenSession, state: { outdated: boolean }): Promise<OpenSession> {
    const { session, content } = open;
    const leftMs = this.claims.renewedBySec(content) * 1000 - this.clock.now().getTime();
    const lifetimeMs = this.broker.accessTokenLifetimeSec * 1000;
    if (leftMs > Math.min(RENEWED_EARLY_MS, lifetimeMs / 2)) return open;
    const renewal = this.refresh.renewedSince(session.id, content.claimsAt ?? 0);
    if (leftMs > 0) {
      // What fails was reported where it did; the next look tries again.
      const outdate = (): void => void (state.outdated = true);
      void renewal.then(outdate, () => undefined);
      return open;
    }
    try {
      return await renewal;
    } catch (error) {
      if (error instanceof OAuthError && error.getStatus() < 500) throw invalidToken(error);
      throw error;
    }
  }

  #isUseDue({ usedAtMs }: RememberedLook, nowMs: number): boolean {
    const everyMs = Math.min(USE_WRITTEN_EVERY_MS, (this.options.idleSec * 1000) / 2);
    return nowMs - usedAtMs >= everyMs;
  }

  async #use(look: RememberedLook): Promise<void> {
    const { sessionId: id, hash: cookieHash } = look.presented;
    const now = this.clock.now();
    const before = look.usedAtMs;
    look.usedAtMs = now.getTime(); // who comes meanwhile does not write
    const expiresAt = this.#idleEnd(now, look.endsAt);
    const use = { cookieHash, usedAt: now, expiresAt, now };
    try {
      await this.store.ask((store) => store.touchSession(id, use), { repeat: true });
      look.outdated = true; // so that the next one sees the new end
    } catch {
      look.usedAtMs = before; // the session is as it was: the next request tries again
    }
  }

  #idleEnd(now: Date, endsAt: Date): Date {
    const idle = after(now, this.options.idleSec);
    return idle < endsAt ? idle : endsAt;
  }
}

function after(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}
