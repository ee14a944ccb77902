import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Entry {
  payload: AdapterPayload;
  expiresAt: number;
}

/** What `oidc-provider` remembers, kept in this process: everything is forgotten when it ends. */
export function createMemoryAdapter(): (model: string) => Adapter {
  const entries = new Map<string, Entry>(); // shared by all models of one provider
  return (model) => new MemoryAdapter(model, entries);
}

class MemoryAdapter implements Adapter {
  constructor(
    private readonly model: string,
    private readonly entries: Map<string, Entry>,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresInSec = 0): Promise<void> {
    this.dropExpired();
    const lifetimeMs = expiresInSec > 0 ? expiresInSec * 1000 : Infinity;
    this.entries.set(this.key(id), { payload, expiresAt: Date.now() + lifetimeMs });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const entry = this.entries.get(this.key(id));
    return entry === undefined || entry.expiresAt <= Date.now() ? undefined : entry.payload;
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.findWhere((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.findWhere((payload) => payload.userCode === userCode);
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    this.entries.delete(this.key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of this.ownEntries()) {
      if (payload.grantId === grantId) this.entries.delete(key);
    }
  }

  private findWhere(matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    const now = Date.now();
    return this.ownEntries()
      .map(([, entry]) => entry)
      .find((entry) => entry.expiresAt > now && matches(entry.payload))?.payload;
  }

  private ownEntries(): [string, Entry][] {
    return [...this.entries].filter(([key]) => key.startsWith(this.key('')));
  }

  private dropExpired(): void {
    const now = Date.now();
    for (const [key, entry] of this.entries) {
      if (entry.expiresAt <= now) this.entries.delete(key);
    }
  }

  private key(id: string): string {
    return `${this.model}:${id}`;
  }
}
