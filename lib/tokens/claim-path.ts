import type { ClaimDemand } from '../options/claim-constraint.js';
import { isRecord } from '../options/value-rules.js';
import { scopeWords } from './text-list.js';

type Claims = Readonly<Record<string, unknown>>;

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** What an object, and no list, holds itself under exactly that name, which may be any. */
export function memberOf(holder: unknown, name: string): unknown {
  return isRecord(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;
}

function ownMember(holder: unknown, name: string): unknown {
  return FORBIDDEN.has(name) ? undefined : memberOf(holder, name);
}

/**
 * The value at a path: an own claim of exactly that name (names may hold dots or be URLs), else the members one after
 * another. Own properties only; `__proto__`, `constructor` and `prototype` never match.
 */
export function claimAt(claims: Claims, path: string): unknown {
  const whole = ownMember(claims, path);
  if (whole !== undefined) return whole;
  return path.split('.').reduce<unknown>((holder, name) => ownMember(holder, name), claims);
}

/** Claims that hold several values in one text. */
const WORDS: readonly unknown[] = ['scope', 'scp'];

/** Whether the claim holds every value of the demand, type and case included. */
export function meetsDemand(
  claims: Claims,
  { path, values }: ClaimDemand,
  roles: readonly string[],
): boolean {
  const held = path === undefined ? roles : claimAt(claims, path);
  const words = WORDS.includes(path) ? scopeWords(held) : [];
  const list: readonly unknown[] = Array.isArray(held) ? held : [held, ...words];
  return values.every((value) => list.includes(value));
}
