import { hash } from 'node:crypto';
import { type Clock } from '../clock/clock.js';
import type { KeptCopy } from '../http/cached-document.js';
import { type UsableKey, usableKeys } from '../http/usable-keys.js';
import { isRecord } from '../options/value-rules.js';
import type { KeyRing, Mac } from '../sealing/key-ring.js';
import type { StoredPeerKeys } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';

const MAX_CHARACTERS = 60_000;

const hashOf = (issuer: string): string => hash('sha256', issuer, 'hex');

/** As ASCII alone, so that any database takes it, whatever a peer writes into its key ids. */
function toAsciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\u0020-\u007e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What the code of a kept set is made of: whose keys they are, and how old. */
function authenticated(issuer: string, fetchedAt: Date, keys: unknown): string {
  return JSON.stringify([issuer, fetchedAt.getTime(), keys]);
}

/**
 * The last key sets of the trusted issuers, in the store, for a start while one of them cannot be reached. Each carries a code
 * of the key ring: who can write to the database could else plant keys of his own for an issuer that is down. Every method
 * rejects when the store cannot be asked.
 */
export class KeptKeySets {
  readonly #mac: Mac;

  constructor(
    private readonly store: StoreAccess,
    private readonly clock: Clock,
    keyRing: KeyRing,
  ) {
    this.#mac = keyRing.mac('peer keys');
  }

  /** Keeps what can verify; a set that is too large is not kept, and then neither is the one before. */
  async save(issuer: string, usable: readonly UsableKey[]): Promise<void> {
    const fetchedAt = this.clock.now();
    const keys = usable.map(({ jwk }) => jwk);
    const mac = this.#mac.of(authenticated(issuer, fetchedAt, keys)).toString('base64url');
    const jwks = toAsciiJson({ keys, mac });
    const issuerHash = hashOf(issuer);
    const set = { issuer, issuerHash, jwks, fetchedAt };
    const fits = jwks.length <= MAX_CHARACTERS;
    await this.store.ask(
      (store) => (fits ? store.savePeerKeys(set) : store.deletePeerKeys(issuerHash)),
      { repeat: true },
    );
  }

  /** Nothing for a set that we did not write, or that was written under a key that is listed no more. */
  async find(issuer: string): Promise<KeptCopy<readonly UsableKey[]> | undefined> {
    const sets = await this.store.ask((store) => store.listPeerKeys());
    const set = sets.find((one) => one.issuer === issuer);
    if (set === undefined) return undefined;
    const document: unknown = JSON.parse(set.jwks);
    if (!isRecord(document) || !this.#wrote(set, document)) return undefined;
    const ageMs = this.clock.now().getTime() - set.fetchedAt.getTime();
    return { document: usableKeys(document), ageMs };
  }

  #wrote(
    { issuer, fetchedAt }: StoredPeerKeys,
    { keys, mac }: Readonly<Record<string, unknown>>,
  ): boolean {
    if (typeof mac !== 'string') return false; // of the version before
    return this.#mac.verify(authenticated(issuer, fetchedAt, keys), Buffer.from(mac, 'base64url'));
  }

  /** Deletes the key sets of all other issuers. */
  async keepOnly(issuers: Iterable<string>): Promise<void> {
    const wanted = new Set([...issuers].map(hashOf));
    const sets = await this.store.ask((store) => store.listPeerKeys(), { repeat: true });
    for (const { issuerHash, fetchedAt } of sets) {
      if (wanted.has(issuerHash)) continue;
      await this.store.ask((store) => store.deletePeerKeys(issuerHash, fetchedAt), {
        repeat: true,
      });
    }
  }
}
