import type { EndedBy, FinishedSession, OpenSession } from './open-session.js';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import { Deadline } from '../clock/deadline.js';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { type OidcEvents, type SessionEndReason, hashedId } from '../events/oidc-events.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { BrokerSession, SessionFilter } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { type RefreshTokens, storedHash } from './refresh-tokens.js';
import type { Revocations } from './revocations.js';
import type { ProviderTokens, SessionContent, SessionContents } from './session-content.js';
import type { UpstreamTokens } from './upstream-tokens.js';

/** What of a new session depends on its kind. */
export interface SessionStart {
  readonly id: string;
  readonly content: SessionContent;
  readonly endsAt: Date;
  readonly expiresAt: Date;
  readonly refreshHash?: string | undefined;
  readonly cookieHash?: string | undefined;
}

/** A database that restarts is waited for so long; whoever logs out waits too. */
const END_PATIENCE_MS = 1000;
const ID_FORM = /^[0-9a-f]{32}$/;

/** How an identity provider's `sub` or `sid` is kept: with its issuer, because only both together name something. */
function ofIssuer(issuer: string, identifier: string): string {
  return storedHash(JSON.stringify([issuer, identifier]));
}

/** How the user of a session is kept in its row: which tenant or provider he is of is told by this alone. */
export function providerUserHash({ iss, sub }: UserIdentity): string {
  return ofIssuer(iss, sub);
}

/** Sessions of broker mode: one row a login. Their refresh is in {@link SessionRefresh}. */
export class Sessions {
  constructor(
    private readonly broker: ResolvedBrokerOptions,
    private readonly clock: Clock,
    private readonly store: StoreAccess,
    private readonly contents: SessionContents,
    private readonly tokens: RefreshTokens,
    private readonly revocations: Revocations,
    private readonly upstream: UpstreamTokens,
    private readonly events: OidcEvents,
  ) {}

  /** Makes sure that a session could be written now. @throws {@link OAuthError} 503 */
  async prepare(): Promise<void> {
    await this.find(newId());
  }

  /**
   * Writes the session of a login.
   *
   * @param key that its refresh token is bound to, by its thumbprint (RFC 9449 §5).
   * @returns `undefined` when that login has one already.
   * @throws {@link OAuthError} 503 when the store cannot be asked; 502 for tokens too large to keep.
   */
  async create(login: FinishedSession, key?: string): Promise<OpenSession | undefined> {
    const now = this.clock.now();
    const id = newId();
    const refreshable = login.content.provider.refreshToken !== undefined;
    const issued = refreshable ? this.tokens.issue(id, 1, key) : undefined;
    const content: SessionContent = { ...login.content, refreshToken: issued?.token };
    const endsAt = after(now, this.broker.sessionLifetimeSec);
    // Without a refresh token nothing shows that the session is in use.
    const expiresAt = refreshable ? this.idleEnd(now, endsAt) : endsAt;
    return this.insert(login, { id, content, endsAt, expiresAt, refreshHash: issued?.hash });
  }

  /**
   * Writes a new session of a login.
   *
   * @returns and throws as {@link create}.
   */
  async insert(login: FinishedSession, start: SessionStart): Promise<OpenSession | undefined> {
    const { id, content, endsAt, expiresAt, refreshHash, cookieHash } = start;
    const now = this.clock.now();
    const sealed = await this.contents.seal(id, content);
    if (sealed === undefined) throw badUpstreamAnswer('tokens too large to keep');
    const session: BrokerSession = {
      id,
      loginHash: storedHash(login.loginId),
      provider: login.provider,
      subjectHash: storedHash(content.claims.sub),
      providerSubjectHash: providerUserHash({ iss: login.issuer, sub: content.providerSubject }),
      providerSessionHash:
        login.providerSession === undefined
          ? undefined
          : ofIssuer(login.issuer, login.providerSession),
      createdAt: now,
      usedAt: now,
      endsAt,
      expiresAt,
      generation: 1,
      refreshHash,
      replaced: [],
      sealed,
      leaseId: undefined,
      leaseUntil: undefined,
      ...(cookieHash === undefined ? {} : { cookieHash }),
    };
    return (await this.#insert(session)) ? { session, content } : undefined;
  }

  /** @throws {@link OAuthError} 503 */
  async find(id: string): Promise<BrokerSession | undefined> {
    if (!ID_FORM.test(id)) return undefined;
    const now = this.clock.now();
    const found = await this.store.ask((store) => store.findSession(id, now), { repeat: true });
    if (found !== undefined) this.revocations.compareClocks(found);
    return found;
  }

  /** A session with its content; `undefined` also when that cannot be decrypted. @throws {@link OAuthError} 503 */
  async findOpen(id: string): Promise<OpenSession | undefined> {
    const session = await this.find(id);
    const content = session && (await this.open(session));
    return session && content && { session, content };
  }

  /** `undefined` when it cannot be decrypted, which is reported. */
  async open(session: BrokerSession): Promise<SessionContent | undefined> {
    const content = await this.contents.open(session.id, session.sealed);
    if (content === undefined) {
      this.events.emit('undecryptable', { provider: session.provider, what: 'session' });
    }
    return content;
  }

  /** @throws {@link OAuthError} 503 */
  async ofSubject(subject: string): Promise<BrokerSession[]> {
    return this.#list({ subjectHash: storedHash(subject) });
  }

  /** The sessions that a `sid` of the identity provider stands for. @throws {@link OAuthError} 503 */
  async ofProviderSession(issuer: string, sid: string): Promise<BrokerSession[]> {
    return this.#list({ providerSessionHash: ofIssuer(issuer, sid) });
  }

  /** All sessions of a user of the identity provider. @throws {@link OAuthError} 503 */
  async ofProviderUser(user: UserIdentity): Promise<BrokerSession[]> {
    return this.#list({ providerSubjectHash: providerUserHash(user) });
  }

  /**
   * Ends a session everywhere, and gives the provider's tokens back.
   *
   * @returns whether there was one to end: `false` when another one was faster, or the lease was lost.
   * @throws {@link OAuthError} 503 when the store cannot be asked. The session is then as it was, or nobody can tell: in that
   * case the tokens are given back all the same.
   */
  async end(session: BrokerSession, reason: SessionEndReason, by: EndedBy = {}): Promise<boolean> {
    const tokens = by.grantLivesOn
      ? undefined
      : (by.newest ?? (await this.open(session))?.provider);
    try {
      if (!(await this.#markEnded(session, by.leaseId))) return false;
    } catch (error) {
      if (await this.#mayHaveEnded(session.id)) await this.#giveBack(session, tokens);
      throw error;
    }
    this.events.emit('session-ended', {
      provider: session.provider,
      session: hashedId(session.id),
      reason,
    });
    await this.#giveBack(session, tokens);
    return true;
  }

  /** The earlier of the idle and the absolute limit. */
  idleEnd(usedAt: Date, endsAt: Date): Date {
    const idle = after(usedAt, this.broker.sessionIdleSec);
    return idle < endsAt ? idle : endsAt;
  }

  /** Repeated with its own id: the answer to the first time may have been lost. */
  async #markEnded(session: BrokerSession, leaseId: string | undefined): Promise<boolean> {
    const { id } = session;
    const at = this.revocations.endOf(session);
    const keepUntil = this.revocations.keepUntil(at);
    const ending = { at, keepUntil, leaseId, endingId: newId() };
    const until = new Deadline(this.clock, END_PATIENCE_MS);
    const ended = await this.store.ask((store) => store.revokeSession(id, ending), { until });
    if (ended || leaseId === undefined) this.revocations.add({ kind: 'session', id, at });
    return ended;
  }

  async #mayHaveEnded(id: string): Promise<boolean> {
    const found = await this.find(id).catch(() => undefined);
    return found === undefined;
  }

  async #giveBack({ provider }: BrokerSession, tokens: ProviderTokens | undefined): Promise<void> {
    if (tokens !== undefined) await this.upstream.revoke(provider, tokens);
  }

  /** A write whose answer was lost is looked for: else the login would seem to be taken. */
  async #insert(session: BrokerSession): Promise<boolean> {
    const { id, createdAt } = session;
    try {
      return await this.store.ask(
        async (store, again) => {
          if (await store.createSession(session)) return true;
          return again && (await store.findSession(id, createdAt)) !== undefined;
        },
        { repeat: true },
      );
    } catch (error) {
      await this.#markEnded(session, undefined).catch(() => undefined); // it may be there, and nobody would hold it
      throw error;
    }
  }

  async #list(filter: SessionFilter): Promise<BrokerSession[]> {
    const now = this.clock.now();
    return this.store.ask((store) => store.listSessions(filter, now), { repeat: true });
  }
}

/** A new `sid`. */
export function newId(): string {
  return randomBytes(16).toString('hex');
}

function after(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}
