import type { RowSealer } from '../sealing/key-ring.js';
import type { StoredSigningKey } from '../contract/broker-store.js';
import type { StoreAccess } from '../store/store-access.js';
import { type KeyWish, newSigningKey } from './signing-key.js';

type UnwrittenKey = KeyWish & Pick<StoredSigningKey, 'kid' | 'sealed'>;

/** Makes signing keys. One that could not be written is kept for the next attempt: an RSA key takes half a second of a processor. */
export class KeyMaker {
  #unwritten: UnwrittenKey | undefined;

  constructor(
    private readonly store: StoreAccess,
    private readonly sealer: RowSealer,
  ) {}

  /**
   * Makes a key and writes it. Whoever inserts a sequence number first has made that key; everybody then reads it.
   *
   * @returns its id when it is ours.
   * @throws {@link OAuthError} 503
   */
  async make(
    wish: KeyWish,
    times: Pick<StoredSigningKey, 'createdAt' | 'signsFrom'>,
  ): Promise<string | undefined> {
    const { tokenLifetimeSec: _sealed, ...key } = await this.#keyFor(wish);
    const row = { ...key, ...times, retiredAt: undefined };
    const made = await this.store.ask((store) => store.insertSigningKey(row), { repeat: true });
    if (!made) return undefined;
    this.#unwritten = undefined;
    return row.kid;
  }

  /** Forgets what was not written: it may be known to whoever knows the key that is being retired. */
  forget(): void {
    this.#unwritten = undefined;
  }

  async #keyFor(wish: KeyWish): Promise<UnwrittenKey> {
    const kept = this.#unwritten;
    const fits =
      kept?.sequence === wish.sequence &&
      kept.algorithm === wish.algorithm &&
      kept.tokenLifetimeSec === wish.tokenLifetimeSec;
    if (fits) return kept;
    const made = { ...wish, ...(await newSigningKey(wish, this.sealer)) };
    this.#unwritten = made;
    return made;
  }
}
