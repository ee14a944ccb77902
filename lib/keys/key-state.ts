import { OAuthError } from '../errors/oauth.error.js';
import { LONGEST_TOKEN_LIFETIME_SEC } from '../options/token-lifetime.js';
import type { StoredSigningKey } from '../contract/broker-store.js';
import type { KeyHeader, VerificationKey } from '../tokens/verification-keys.js';
import type { SigningKey } from './signing-key.js';

/** Keys as they were read last. */
export interface KeyState {
  /** By sequence; retired ones are not in it. */
  readonly keys: readonly SigningKey[];
  /** All rows, by sequence, retired ones too. */
  readonly stored: readonly StoredSigningKey[];
  /** Ids of keys that are there, but cannot be decrypted. */
  readonly locked: ReadonlySet<string>;
}

export function notReadable(cause?: unknown): OAuthError {
  const text = 'The signing keys cannot be read at the moment';
  return new OAuthError('temporarily_unavailable', text, { cause });
}

/** Whether there is, or was, a key of that id. */
export function isIn({ keys, stored }: KeyState, kid: string): boolean {
  return keys.some((key) => key.kid === kid) || stored.some((key) => key.kid === kid);
}

/** The key that a token's header selects. @throws {@link OAuthError} 503 when it cannot be decrypted. */
export function select(
  { keys, locked }: KeyState,
  { alg, kid }: KeyHeader,
): VerificationKey | undefined {
  const key = keys.find((one) => one.kid === kid);
  if (key !== undefined) {
    const { tokenLifetimeSec, publicKey } = key;
    const limit = tokenLifetimeSec === undefined ? {} : { tokenLifetimeSec };
    return key.algorithm === alg ? { kid, key: publicKey, source: key, ...limit } : undefined;
  }
  if (kid !== undefined && locked.has(kid)) throw notReadable('a locked key');
  return undefined;
}

/** The longest time that a token of these keys may live, in seconds; where that is not written down, as long as any may. */
export function longestLifetimeSec({ keys, locked }: KeyState): number {
  const known = keys.map((key) => key.tokenLifetimeSec ?? LONGEST_TOKEN_LIFETIME_SEC);
  return Math.max(...known, locked.size > 0 ? LONGEST_TOKEN_LIFETIME_SEC : 0);
}
