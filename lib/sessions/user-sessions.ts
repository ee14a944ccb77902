import { storedHash } from './refresh-tokens.js';
import type { Revocations } from './revocations.js';
import type { Sessions } from './sessions.js';
import type { BrokerSession } from '../contract/broker-store.js';
import { storeUnavailable } from '../store/store-access.js';

const AT_ONCE = 10;
/** What `listSessions` of a store gives at most. */
const LONGEST_LIST = 1000;

/** A session, as its user or an administrator may see it. */
export interface SessionInfo {
  /** `sid` of its tokens. */
  readonly id: string;
  /** Name of the identity provider in this module's configuration. */
  readonly provider: string;
  readonly createdAt: Date;
  /** When it was refreshed last; a browser's, when it was used last, to five minutes. */
  readonly usedAt: Date;
  readonly expiresAt: Date;
  /** Whether it is the caller's own. */
  readonly current: boolean;
  /**
   * What it was begun with, in words of ours such as `Firefox on Linux` or `Python`; absent where nobody knows, as in sessions of the version
   * before.
   */
  readonly device?: string;
  /** The address that it was begun from; with `broker.sessionAddresses` alone. */
  readonly address?: string;
}

/** Sessions by user: to list them, and to end one or all. */
export class UserSessions {
  constructor(
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
  ) {}

  /** @param own id of the caller's session. */
  async list(subject: string, own: string | undefined): Promise<SessionInfo[]> {
    const sessions = await this.sessions.ofSubject(subject);
    return Promise.all(sessions.map((session) => this.#infoOf(session, own)));
  }

  async end(id: string): Promise<boolean> {
    const session = await this.sessions.find(id);
    return session !== undefined && (await this.sessions.end(session, 'revoked'));
  }

  /** Ends a session of a subject; somebody else's is as good as none. */
  async endOf(subject: string, id: string): Promise<boolean> {
    const session = await this.sessions.find(id);
    if (session?.subjectHash !== storedHash(subject)) return false;
    return this.sessions.end(session, 'revoked');
  }

  /** Ends all sessions of a subject, and refuses every token that it was given until now, those by exchange included. */
  async endAll(subject: string): Promise<number> {
    await this.revocations.revokeSubject(storedHash(subject), 'all');
    return this.endEach(() => this.sessions.ofSubject(subject), 'revoked');
  }

  /**
   * Ends what is listed until nothing new is: a list is cut at a thousand.
   *
   * @throws {@link OAuthError} 503 when the store goes on listing what was ended, and so hides what comes after it.
   */
  async endEach(
    list: () => Promise<BrokerSession[]>,
    reason: 'revoked' | 'logout',
  ): Promise<number> {
    const seen = new Set<string>();
    let ended = 0;
    for (;;) {
      const listed = await list();
      const open = listed.filter(({ id }) => !seen.has(id));
      if (open.length === 0 && listed.length >= LONGEST_LIST) throw storeUnavailable('stale reads');
      if (open.length === 0) return ended;
      while (open.length > 0) {
        // Each may ask the provider to revoke its tokens, which others wait to log in at.
        const some = open.splice(0, AT_ONCE);
        for (const { id } of some) seen.add(id);
        const results = await Promise.all(some.map((one) => this.sessions.end(one, reason)));
        ended += results.filter(Boolean).length;
      }
    }
  }

  async #infoOf(session: BrokerSession, own: string | undefined): Promise<SessionInfo> {
    const { id, provider, createdAt, usedAt, expiresAt } = session;
    const { device, address } = (await this.sessions.open(session)) ?? {};
    return {
      id,
      provider,
      createdAt,
      usedAt,
      expiresAt,
      current: id === own,
      ...(device === undefined ? {} : { device }),
      ...(address === undefined ? {} : { address }),
    };
  }
}
