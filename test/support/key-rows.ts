import type { StoredSigningKey } from '../../lib/contract/broker-store.js';
import { OidcEvents } from '../../lib/events/oidc-events.js';
import { newSigningKey, type KeyWish } from '../../lib/keys/signing-key.js';
import { RowSealer } from '../../lib/sealing/key-ring.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { FakeClock } from './fake-clock.js';
import { brokerModeOptions, startStoreAccess } from './store-access.js';

const [OLD, NEW] = ['the-former-key-of-the-ring-of-keys', 'the-present-key-of-the-ring-of-keys'];

/** Encrypt rows of keys: before a new key of the ring was listed, after it, and with the new one alone. */
export const former = new RowSealer([OLD], 'signing key');
export const present = new RowSealer([NEW, OLD], 'signing key');
export const onlyNew = new RowSealer([NEW], 'signing key');

/** When the rows were made, and what the clock says. */
export const BEGAN = new Date(1_700_000_000_000);

/** The row of a new key. */
export async function keyRow(
  sequence: number,
  sealer = present,
  wish: Partial<KeyWish> = {},
): Promise<StoredSigningKey> {
  const whole = { sequence, algorithm: 'ES256', tokenLifetimeSec: 3600, ...wish } as const;
  return {
    sequence,
    algorithm: whole.algorithm,
    createdAt: BEGAN,
    signsFrom: BEGAN,
    retiredAt: undefined,
    ...(await newSigningKey(whole, sealer)),
  };
}

/** A store for keys and the way to it, until the test ends. */
export async function startKeyStore() {
  const clock = new FakeClock(BEGAN);
  const store = new MemoryBrokerStore();
  const { options, broker } = brokerModeOptions({}, { audience: 'myapp-api', store });
  const events = new OidcEvents(clock);
  const access = await startStoreAccess({ options, store, events, clock });
  return { clock, store, options, broker, events, access };
}

/** Loses the store's next answer; what it was asked it does. */
export function loseAnswer(
  store: MemoryBrokerStore,
  method: 'insertSigningKey' | 'resealSigningKey' | 'listSigningKeys',
): void {
  const usual: (...call: never[]) => Promise<unknown> = store[method].bind(store);
  let lost = false;
  Object.assign(store, {
    [method]: async (...call: never[]) => {
      const answer = await usual(...call);
      if (lost) return answer;
      lost = true;
      throw new Error('the connection was lost');
    },
  });
}
