/**
 * What a test runner offers, as far as the contract needs it: the functions of Vitest, Jest, Mocha and `node:test` all are of this shape, and
 * so are the modules `vitest`, `@jest/globals` and `node:test` as a whole.
 */
export interface TestRunner {
  describe(title: string, declare: () => void): unknown;
  /** The third argument is understood by Vitest and Jest, whose own limit of five seconds a slow database would miss. */
  it(title: string, run: () => Promise<void>, timeoutMs: number): unknown;
  /** Runs when all tests of the contract have ended; `after` in Mocha and `node:test`. */
  afterAll?(run: () => Promise<void>): unknown;
  after?(run: () => Promise<void>): unknown;
}

/** @throws TypeError that says what to pass, when there is no runner to be found. */
export function foundRunner(given: unknown = globalThis): TestRunner {
  if (isTestRunner(given)) return given;
  throw new TypeError(
    'brokerStoreContract() found no describe(), it() and afterAll() or after() of a test runner. Pass them: ' +
      "import { after, describe, it } from 'node:test'; brokerStoreContract(open, { after, describe, it }). " +
      "In Vitest import { afterAll, describe, it } from 'vitest', or set test.globals; in Jest import them from '@jest/globals'.",
  );
}

function isTestRunner(value: unknown): value is TestRunner {
  const has = (name: string): boolean =>
    typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
  return has('describe') && has('it') && (has('afterAll') || has('after'));
}
