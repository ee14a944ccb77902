import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { StoredSigningKey } from '../contract/broker-store.js';
import type { SigningKey } from './signing-key.js';

/** How long before it signs a key is published: peers that have just looked look again in time. */
const PUBLISHED_AHEAD_SEC = 5400;

/** An encrypted text counts in its own row alone: elsewhere it must be seen not to open. */
export function rowOf({ sequence, sealed }: StoredSigningKey): string {
  return `${sequence} ${sealed}`;
}

/** By the time from which they sign, then by sequence. */
export function bySigning(one: StoredSigningKey, other: StoredSigningKey): number {
  return one.signsFrom.getTime() - other.signsFrom.getTime() || one.sequence - other.sequence;
}

/**
 * The key that signs: the last one whose time has come. Where none has (the instance that made the first one has a clock
 * ahead of ours, or the one before was retired), the first of those that wait.
 */
export function newestSigning(
  stored: readonly StoredSigningKey[],
  now: Date,
): StoredSigningKey | undefined {
  const alive = stored.filter((key) => key.retiredAt === undefined).toSorted(bySigning);
  return alive.findLast((key) => key.signsFrom <= now) ?? alive[0];
}

export function nextSequence(stored: readonly StoredSigningKey[]): number {
  return Math.max(0, ...stored.map(({ sequence }) => sequence)) + 1;
}

/**
 * From when a key signs that is to be made now: at once when there is none, later when it follows the newest one; `undefined`
 * while none is to be made. It follows when that one's time runs out, or when it has another algorithm, or does not allow tokens
 * to live as long as they are to.
 *
 * @param opened gives the key of a row, unless it cannot be decrypted.
 */
export function signsFromOfNext(
  stored: readonly StoredSigningKey[],
  opened: (row: StoredSigningKey) => SigningKey | undefined,
  wanted: Pick<
    ResolvedBrokerOptions,
    'keyLifetimeSec' | 'signingAlgorithm' | 'accessTokenLifetimeSec'
  >,
  now: Date,
): Date | undefined {
  const newest = stored
    .filter(({ retiredAt }) => retiredAt === undefined)
    .toSorted(bySigning)
    .at(-1);
  if (newest === undefined) return now;
  if (newest.signsFrom > now) return undefined; // the next one is there
  const key = opened(newest);
  if (key === undefined) return undefined; // the others could not open one that we make
  const soonest = now.getTime() + PUBLISHED_AHEAD_SEC * 1000;
  const due = newest.signsFrom.getTime() + wanted.keyLifetimeSec * 1000;
  const fits =
    key.algorithm === wanted.signingAlgorithm &&
    (key.tokenLifetimeSec ?? 0) >= wanted.accessTokenLifetimeSec;
  return fits && due > soonest ? undefined : new Date(soonest);
}

/**
 * Whether nobody needs a key any more: the last token that it signed has expired, or it was retired and all tokens that it
 * had signed have.
 *
 * @param longestUseMs how long after its signature a token of that key may still be presented.
 */
export function isOver(
  key: StoredSigningKey,
  stored: readonly StoredSigningKey[],
  now: Date,
  longestUseMs: number,
): boolean {
  const over = (since: Date) => now.getTime() > since.getTime() + longestUseMs;
  if (key.retiredAt !== undefined) return over(key.retiredAt);
  const alive = stored.filter(({ retiredAt }) => retiredAt === undefined);
  const successor = alive.toSorted(bySigning).find((other) => bySigning(other, key) > 0);
  return successor !== undefined && over(successor.signsFrom);
}
