import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { StoredSigningKey } from '../store/broker-store.js';

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

/** From when the key after the newest one is to sign; `undefined` while it is too early to make it. */
export function nextSignsFrom(
  newest: StoredSigningKey,
  wanted: Pick<ResolvedBrokerOptions, 'keyLifetimeSec' | 'signingAlgorithm'>,
  now: Date,
): Date | undefined {
  const soonest = now.getTime() + PUBLISHED_AHEAD_SEC * 1000;
  const due = newest.signsFrom.getTime() + wanted.keyLifetimeSec * 1000;
  if (newest.algorithm === wanted.signingAlgorithm && due > soonest) return undefined;
  return new Date(soonest);
}

/**
 * Whether nobody needs a key any more: the last token that it signed has expired, or it was retired and all tokens that it
 * had signed have.
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
