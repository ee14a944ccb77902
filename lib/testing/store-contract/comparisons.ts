import assert from 'node:assert/strict';
import { isDeepStrictEqual, types } from 'node:util';

/**
 * The same members with the same values, undefined ones included. Of which class a row is does not matter, nor from which realm a `Date`
 * comes: Jest runs tests in one of their own.
 */
export function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(plain(actual), plain(expected));
}

/** Each of the expected ones is there, among others. */
export function includesAll(actual: readonly unknown[], expected: readonly unknown[]): void {
  const found = actual.map(plain);
  const missing = expected
    .map(plain)
    .filter((one) => !found.some((it) => isDeepStrictEqual(it, one)));
  assert.deepEqual(missing, []);
}

function plain(value: unknown): unknown {
  if (types.isDate(value)) return new Date(value.getTime());
  if (Array.isArray(value)) return Array.from(value, plain); // its own map() would make another of its realm
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, plain(of)]));
}
