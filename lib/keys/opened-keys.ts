import type { RowSealer } from '../sealing/key-ring.js';
import type { StoredSigningKey } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import { rowOf } from './key-schedule.js';
import { type SigningKey, openSigningKey } from './signing-key.js';

/** A row that is to be encrypted anew, and its text then. */
interface Reseal {
  readonly stored: StoredSigningKey;
  readonly next: string;
}

/** The stored keys that were decrypted here. Keys that stay keep their identity, and with it what was verified with them. */
export class OpenedKeys {
  /** By {@link rowOf}. */
  readonly #opened = new Map<string, SigningKey>();
  /** Rows that an older key of the ring has encrypted, by {@link rowOf}. */
  readonly #reseals = new Map<string, Reseal>();

  constructor(private readonly sealer: RowSealer) {}

  /** The key of a row that was opened. */
  of(stored: StoredSigningKey): SigningKey | undefined {
    return this.#opened.get(rowOf(stored));
  }

  /** Decrypts what can be decrypted, and forgets all other rows. */
  async open(stored: readonly StoredSigningKey[]): Promise<SigningKey[]> {
    const keys: SigningKey[] = [];
    for (const one of stored) {
      const key = this.of(one) ?? (await this.#openOne(one));
      if (key !== undefined) keys.push(key);
    }
    const rows = new Set(stored.map(rowOf));
    for (const row of this.#opened.keys()) if (!rows.has(row)) this.#opened.delete(row);
    for (const row of this.#reseals.keys()) if (!rows.has(row)) this.#reseals.delete(row);
    return keys;
  }

  /** Encrypts with the first key of the ring what an older one has encrypted. @throws {@link OAuthError} 503 */
  async reseal(access: StoreAccess): Promise<void> {
    for (const [row, { stored, next }] of this.#reseals) {
      const { sequence, sealed: expected } = stored;
      const replaced = await access.ask(
        (store) => store.resealSigningKey(sequence, { expected, next }),
        { repeat: true },
      );
      this.#reseals.delete(row);
      const key = this.of(stored);
      if (replaced && key !== undefined) this.#opened.set(rowOf({ ...stored, sealed: next }), key);
    }
  }

  async #openOne(stored: StoredSigningKey): Promise<SigningKey | undefined> {
    const held = [...this.#opened.values()];
    const opened = await openSigningKey(stored, this.sealer);
    if (opened === undefined) {
      // An instance with a newer "encryptionKeys" has encrypted it anew; it is still the key that was opened before.
      const { kid, sequence } = stored;
      const same = held.find((key) => key.kid === kid && key.sequence === sequence);
      if (same !== undefined) this.#opened.set(rowOf(stored), same);
      return same;
    }
    const key = held.find(({ kid }) => kid === opened.key.kid) ?? opened.key;
    this.#opened.set(rowOf(stored), key);
    if (opened.resealed !== undefined) {
      this.#reseals.set(rowOf(stored), { stored, next: opened.resealed });
    }
    return key;
  }
}
