import type { BrokerStore, Revocation } from '../../contract/broker-store.js';
import { NOW } from './rows.js';

export async function revocationsOf(
  store: BrokerStore,
  id: string,
  since = NOW,
  now = NOW,
): Promise<Revocation[]> {
  return (await store.listRevocations(since, now)).filter((one) => one.id === id);
}
