import {
  type BrokerSession,
  BrokerStore,
  type LeaseRequest,
  type Revocation,
  type SessionEnding,
  type SessionFilter,
  type SessionState,
  type SessionUse,
  type StoredPeerKeys,
  type StoredSigningKey,
} from '../contract/broker-store.js';

interface Row {
  session: BrokerSession;
  revokedAt: Date | undefined;
  endingId?: string | undefined;
}

const MOST_LISTED = 1000;

function matches(session: BrokerSession, filter: SessionFilter): boolean {
  return Object.entries(filter).every(
    ([name, value]) => typeof value === 'string' && Reflect.get(session, name) === value,
  );
}

function later(one: Date, other: Date): Date {
  return new Date(Math.max(one.getTime(), other.getTime()));
}

/** Keeps everything in this process: for one instance, and gone with it. */
export class MemoryBrokerStore extends BrokerStore {
  readonly #rows = new Map<string, Row>();
  readonly #logins = new Map<string, string>();
  readonly #revocations = new Map<string, Revocation>();
  readonly #signingKeys = new Map<number, StoredSigningKey>();
  readonly #peerKeys = new Map<string, StoredPeerKeys>();

  async createSession(session: BrokerSession): Promise<boolean> {
    if (this.#logins.has(session.loginHash) || this.#rows.has(session.id)) return false;
    this.#logins.set(session.loginHash, session.id);
    this.#rows.set(session.id, { session: structuredClone(session), revokedAt: undefined });
    return true;
  }

  async findSession(id: string, now: Date): Promise<BrokerSession | undefined> {
    const row = this.#alive(id, now);
    return row && structuredClone(row.session);
  }

  async listSessions(filter: SessionFilter, now: Date): Promise<BrokerSession[]> {
    return [...this.#rows.values()]
      .filter(({ session, revokedAt }) => revokedAt === undefined && session.expiresAt > now)
      .map(({ session }) => session)
      .filter((session) => matches(session, filter))
      .toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
      .slice(0, MOST_LISTED)
      .map((session) => structuredClone(session));
  }

  async takeLease(id: string, request: LeaseRequest): Promise<boolean> {
    const { leaseId, until, now, generation } = request;
    const row = this.#alive(id, now);
    if (row === undefined || row.session.generation !== generation) return false;
    const { leaseUntil } = row.session;
    if (leaseUntil !== undefined && leaseUntil > now) return false;
    row.session = { ...row.session, leaseId, leaseUntil: new Date(until) };
    return true;
  }

  async rotateSession(id: string, leaseId: string, state: SessionState): Promise<boolean> {
    const row = this.#rows.get(id);
    if (row === undefined || row.revokedAt !== undefined) return false;
    if (row.session.leaseId !== leaseId) return false;
    const { usedAt, expiresAt, generation, refreshHash, replaced, sealed } = structuredClone(state);
    row.session = {
      ...row.session,
      usedAt,
      expiresAt,
      generation,
      refreshHash,
      replaced,
      sealed,
      leaseId: undefined,
      leaseUntil: undefined,
    };
    return true;
  }

  override async touchSession(id: string, use: SessionUse): Promise<boolean> {
    const { cookieHash, usedAt, expiresAt, now } = use;
    const row = this.#alive(id, now);
    if (row?.session.cookieHash !== cookieHash || row.session.usedAt >= usedAt) return false;
    row.session = { ...row.session, usedAt: new Date(usedAt), expiresAt: new Date(expiresAt) };
    return true;
  }

  async releaseLease(id: string, leaseId: string): Promise<void> {
    const row = this.#rows.get(id);
    if (row?.session.leaseId !== leaseId) return;
    row.session = { ...row.session, leaseId: undefined, leaseUntil: undefined };
  }

  async revokeSession(id: string, ending: SessionEnding): Promise<boolean> {
    const { at, keepUntil, leaseId, endingId } = ending;
    const row = this.#rows.get(id);
    if (row === undefined) return false;
    if (row.revokedAt !== undefined) return endingId !== undefined && row.endingId === endingId;
    if (leaseId !== undefined && row.session.leaseId !== leaseId) return false;
    row.revokedAt = new Date(at);
    row.endingId = endingId;
    row.session = { ...row.session, expiresAt: new Date(keepUntil), sealed: '' };
    return true;
  }

  async addRevocation(revocation: Revocation): Promise<void> {
    const { kind, id } = revocation;
    const name = `${kind} ${id}`;
    const { at, expiresAt } = this.#revocations.get(name) ?? revocation;
    this.#revocations.set(name, {
      kind,
      id,
      at: later(at, revocation.at),
      expiresAt: later(expiresAt, revocation.expiresAt),
    });
  }

  async listRevocations(since: Date, now: Date, limit?: number): Promise<Revocation[]> {
    const ofSessions = [...this.#rows.values()].flatMap(({ session, revokedAt }): Revocation[] =>
      revokedAt === undefined
        ? []
        : [{ kind: 'session', id: session.id, at: revokedAt, expiresAt: session.expiresAt }],
    );
    return [...ofSessions, ...this.#revocations.values()]
      .filter(({ at, expiresAt }) => at >= since && expiresAt > now)
      .toSorted((one, other) => other.at.getTime() - one.at.getTime())
      .slice(0, limit)
      .map((revocation) => structuredClone(revocation));
  }

  async insertSigningKey(key: StoredSigningKey): Promise<boolean> {
    if (this.#signingKeys.has(key.sequence)) return false;
    this.#signingKeys.set(key.sequence, structuredClone(key));
    return true;
  }

  async listSigningKeys(): Promise<StoredSigningKey[]> {
    return [...this.#signingKeys.values()]
      .toSorted((one, other) => one.sequence - other.sequence)
      .map((key) => structuredClone(key));
  }

  async retireSigningKey(sequence: number, at: Date): Promise<boolean> {
    const key = this.#signingKeys.get(sequence);
    if (key === undefined || key.retiredAt !== undefined) return false;
    this.#signingKeys.set(sequence, { ...key, retiredAt: new Date(at) });
    return true;
  }

  async resealSigningKey(
    sequence: number,
    { expected, next }: { expected: string; next: string },
  ): Promise<boolean> {
    const key = this.#signingKeys.get(sequence);
    if (key?.sealed !== expected) return false;
    this.#signingKeys.set(sequence, { ...key, sealed: next });
    return true;
  }

  async deleteSigningKey(sequence: number, kid?: string): Promise<void> {
    if (kid !== undefined && this.#signingKeys.get(sequence)?.kid !== kid) return;
    this.#signingKeys.delete(sequence);
  }

  async savePeerKeys(keys: StoredPeerKeys): Promise<void> {
    this.#peerKeys.set(keys.issuerHash, structuredClone(keys));
  }

  async listPeerKeys(): Promise<StoredPeerKeys[]> {
    return [...this.#peerKeys.values()].map((keys) => structuredClone(keys));
  }

  async deletePeerKeys(issuerHash: string, fetchedAt?: Date): Promise<void> {
    const writtenAt = this.#peerKeys.get(issuerHash)?.fetchedAt;
    if (fetchedAt !== undefined && writtenAt?.getTime() !== fetchedAt.getTime()) return;
    this.#peerKeys.delete(issuerHash);
  }

  async purgeExpired(before: Date, limit: number): Promise<number> {
    const rows = [...this.#rows.values()]
      .filter(({ session }) => session.expiresAt < before)
      .slice(0, limit);
    for (const { session } of rows) {
      this.#rows.delete(session.id);
      this.#logins.delete(session.loginHash);
    }
    const revocations = [...this.#revocations]
      .filter(([, { expiresAt }]) => expiresAt < before)
      .slice(0, limit);
    for (const [name] of revocations) this.#revocations.delete(name);
    return rows.length + revocations.length;
  }

  #alive(id: string, now: Date): Row | undefined {
    const row = this.#rows.get(id);
    if (row === undefined || row.revokedAt !== undefined) return undefined;
    return row.session.expiresAt > now ? row : undefined;
  }
}
