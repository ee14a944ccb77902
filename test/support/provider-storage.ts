import type { Adapter, AdapterPayload } from 'oidc-provider';

interface StoredRecord {
  readonly payload: AdapterPayload;
  readonly expiresAt: number;
}

/**
 * What the test provider remembers, outside of the provider object: sessions and grants outlive a restart
 * with other signing keys.
 */
export class ProviderStorage {
  readonly #records = new Map<string, StoredRecord>();

  /** The storage of one kind of record, as oidc-provider asks for it. */
  adapter(kind: string): Adapter {
    const key = (id: string): string => `${kind}:${id}`;
    return {
      upsert: async (id, payload, expiresIn) => {
        const lifetimeMs = expiresIn === undefined ? Number.POSITIVE_INFINITY : expiresIn * 1000;
        this.#records.set(key(id), { payload, expiresAt: Date.now() + lifetimeMs });
      },
      find: async (id) => this.#live(key(id)),
      findByUserCode: async (code) => this.#search(kind, ({ userCode }) => userCode === code),
      findByUid: async (uid) => this.#search(kind, (payload) => payload.uid === uid),
      consume: async (id) => {
        const payload = this.#live(key(id));
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => {
        this.#records.delete(key(id));
      },
      revokeByGrantId: async (grantId) => {
        for (const [id, { payload }] of this.#records) {
          if (payload.grantId === grantId && id.startsWith(`${kind}:`)) this.#records.delete(id);
        }
      },
    };
  }

  #live(key: string): AdapterPayload | undefined {
    const record = this.#records.get(key);
    return record !== undefined && record.expiresAt > Date.now() ? record.payload : undefined;
  }

  #search(kind: string, fits: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, { payload, expiresAt }] of this.#records) {
      if (key.startsWith(`${kind}:`) && expiresAt > Date.now() && fits(payload)) return payload;
    }
    return undefined;
  }
}
