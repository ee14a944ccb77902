import { hash } from 'node:crypto';
import { type Clock } from '../clock/clock.js';
import type { KeptCopy } from '../http/cached-document.js';
import { type UsableKey, usableKeys } from '../http/usable-keys.js';
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

/**
 * The last key sets of the trusted issuers, in the store, for a start while one of them cannot be reached. Every method
 * rejects when the store cannot be asked.
 */
export class KeptKeySets {
  constructor(
    private readonly store: StoreAccess,
    private readonly clock: Clock,
  ) {}

  /** Keeps what can verify; a set that is too large is not kept, and then neither is the one before. */
  async save(issuer: string, keys: readonly UsableKey[]): Promise<void> {
    const jwks = toAsciiJson({ keys: keys.map(({ jwk }) => jwk) });
    const issuerHash = hashOf(issuer);
    const set = { issuer, issuerHash, jwks, fetchedAt: this.clock.now() };
    const fits = jwks.length <= MAX_CHARACTERS;
    await this.store.ask(
      (store) => (fits ? store.savePeerKeys(set) : store.deletePeerKeys(issuerHash)),
      { repeat: true },
    );
  }

  /** @throws {@link OAuthError} 502 when what is kept is no JWKS any more. */
  async find(issuer: string): Promise<KeptCopy<readonly UsableKey[]> | undefined> {
    const sets = await this.store.ask((store) => store.listPeerKeys());
    const set = sets.find((one) => one.issuer === issuer);
    if (set === undefined) return undefined;
    const document: unknown = JSON.parse(set.jwks);
    const ageMs = this.clock.now().getTime() - set.fetchedAt.getTime();
    return { document: usableKeys(document), ageMs };
  }

  /** Deletes the key sets of all other issuers. */
  async keepOnly(issuers: Iterable<string>): Promise<void> {
    const wanted = new Set([...issuers].map(hashOf));
    const sets = await this.store.ask((store) => store.listPeerKeys(), { repeat: true });
    for (const { issuerHash } of sets) {
      if (wanted.has(issuerHash)) continue;
      await this.store.ask((store) => store.deletePeerKeys(issuerHash), { repeat: true });
    }
  }
}
