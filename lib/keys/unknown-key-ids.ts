/** The store is asked about unknown key ids so often between two regular readings; everybody may make some up. */
const MOST_LOOKS = 3;
const MOST_REMEMBERED = 1000;
/** What we name keys by: SHA-256 in base64url (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/**
 * Key ids in tokens that name us but no key that we know: forged, or of a key that another instance has just made. Only a
 * reading that begins after such a token came can tell.
 */
export class UnknownKeyIds {
  #looksLeft = MOST_LOOKS;
  /** The oldest goes first. A key of that id that is read later counts all the same. */
  readonly #refused = new Set<string>();

  /** A regular reading begins. */
  allowLooks(): void {
    this.#looksLeft = MOST_LOOKS;
  }

  /** What to do about an id. @param readingIsDue a reading that has not begun yet can be shared at no cost. */
  ask(kid: string, { readingIsDue }: { readingIsDue: boolean }): 'refuse' | 'read' | 'wait' {
    if (!THUMBPRINT.test(kid) || this.#refused.has(kid)) return 'refuse';
    if (readingIsDue) return 'read';
    if (this.#looksLeft === 0) return 'wait';
    this.#looksLeft -= 1;
    return 'read';
  }

  /** There was no such key when the store was looked at for it. */
  refuse(kid: string): void {
    const [oldest] = this.#refused;
    if (this.#refused.size >= MOST_REMEMBERED && oldest !== undefined) this.#refused.delete(oldest);
    this.#refused.add(kid);
  }
}
