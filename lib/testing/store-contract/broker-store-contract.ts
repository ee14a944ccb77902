import type { BrokerStore } from '../../contract/broker-store.js';
import { browserSessionTests } from './browser-session-tests.js';
import { endedSessionTests } from './ended-session-tests.js';
import { keyDeletionTests, peerKeyTests, signingKeyTests } from './key-tests.js';
import { leaseTests } from './lease-tests.js';
import { purgeTests } from './purge-tests.js';
import { revocationTests } from './revocation-tests.js';
import { sessionTests } from './session-tests.js';
import type { StoreTest } from './store-test.js';
import { type TestRunner, foundRunner } from './test-runner.js';

const TOPICS: Readonly<Record<string, (test: StoreTest) => void>> = {
  sessions: sessionTests,
  'sessions of browsers': browserSessionTests,
  'the lease of a session': leaseTests,
  'a session that is revoked': endedSessionTests,
  'revocations of tokens and subjects': revocationTests,
  'signing keys': signingKeyTests,
  'a deletion': keyDeletionTests,
  'key sets of peers': peerKeyTests,
  'the purge': purgeTests,
};

/** For one test, with a slow database and a busy machine behind it. */
const TIMEOUT_MS = 120_000;

/**
 * Declares the tests that every {@link BrokerStore} must pass, each sentence of its documentation and more, in the test file that calls it: what
 * concurrent instances may rely on is told by 50 calls at once. Run it on a store of your own, against the database that you use.
 *
 * @param open gives an opened store, once, when the first test begins. Its tables may hold what other tests left, but no signing
 * keys that matter: those are deleted. The store is closed at the end.
 * @param runner where `describe` and `it` come from. @defaultValue the globals of Jest, of Mocha, and of Vitest with `test.globals`
 * @throws TypeError when there are no such globals and no runner is given.
 *
 * @example
 * ```ts
 * import { after, describe, it } from 'node:test';
 * import { brokerStoreContract } from 'nestjs-oidc-auth/testing';
 * import { RedisBrokerStore } from '../src/redis-broker.store.js';
 *
 * brokerStoreContract(
 *   async () => {
 *     const store = new RedisBrokerStore('redis://localhost:6379/15');
 *     await store.open();
 *     return store;
 *   },
 *   { after, describe, it }, // left out under Jest, and under Vitest with test.globals
 * );
 * ```
 */
export function brokerStoreContract(open: () => Promise<BrokerStore>, runner?: TestRunner): void {
  const found = foundRunner(runner);
  let opening: Promise<BrokerStore> | undefined;
  const test: StoreTest = (title, run) => {
    found.it(title, async () => run(await (opening ??= open())), TIMEOUT_MS);
  };
  const close = async (): Promise<void> => (await opening)?.close();

  found.describe('the contract of BrokerStore', () => {
    for (const [topic, declare] of Object.entries(TOPICS)) {
      found.describe(topic, () => declare(test));
    }
    if (found.afterAll === undefined) found.after?.(close);
    else found.afterAll(close);
  });
}
