import { Inject, Injectable } from '@nestjs/common';
import { storedHash } from '../broker/refresh-tokens.js';
import { Revocations } from '../broker/revocations.js';
import { Sessions } from '../broker/sessions.js';
import { Clock } from '../clock/clock.js';
import type { BrokerSession } from '../store/broker-store.js';
import { StoreAccess } from '../store/store-access.js';

const AT_ONCE = 10;

/** A session, as its user or an administrator may see it. */
export interface SessionInfo {
  /** `sid` of its tokens. */
  readonly id: string;
  /** Name of the identity provider in this module's configuration. */
  readonly provider: string;
  readonly createdAt: Date;
  /** When it was refreshed last. */
  readonly usedAt: Date;
  readonly expiresAt: Date;
}

/** Sessions by user: to list them, and to end one or all. */
@Injectable()
export class UserSessions {
  constructor(
    private readonly sessions: Sessions,
    private readonly revocations: Revocations,
    private readonly store: StoreAccess,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  async list(subject: string): Promise<SessionInfo[]> {
    const sessions = await this.sessions.ofSubject(subject);
    return sessions.map(({ id, provider, createdAt, usedAt, expiresAt }) => ({
      id,
      provider,
      createdAt,
      usedAt,
      expiresAt,
    }));
  }

  async end(id: string): Promise<boolean> {
    const session = await this.sessions.find(id);
    return session !== undefined && (await this.sessions.end(session, 'revoked'));
  }

  /** Ends all sessions of a subject, and refuses every token that it was given until now, those by exchange included. */
  async endAll(subject: string): Promise<number> {
    await this.refuseTokensOf(storedHash(subject));
    return this.endEach(() => this.sessions.ofSubject(subject), 'revoked');
  }

  /** Refuses every token issued to a subject until now. */
  async refuseTokensOf(subjectHash: string): Promise<void> {
    const at = this.clock.now();
    const revocation = { kind: 'subject', id: subjectHash, at } as const;
    const expiresAt = this.revocations.keepUntil(at);
    await this.store.ask((store) => store.addRevocation({ ...revocation, expiresAt }), {
      repeat: true,
    });
    this.revocations.add(revocation);
  }

  /** Ends what is listed until nothing more is: a list is cut at a thousand. */
  async endEach(
    list: () => Promise<BrokerSession[]>,
    reason: 'revoked' | 'logout',
  ): Promise<number> {
    let ended = 0;
    for (let open = await list(); open.length > 0; open = await list()) {
      while (open.length > 0) {
        // Each may ask the provider to revoke its tokens, which others wait to log in at.
        const some = open.splice(0, AT_ONCE);
        const results = await Promise.all(some.map((one) => this.sessions.end(one, reason)));
        ended += results.filter(Boolean).length;
      }
    }
    return ended;
  }
}
