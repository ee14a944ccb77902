import type { BrokerStore } from '../../contract/broker-store.js';

/** Declares one test of the contract; it is given the store that all of them share. */
export type StoreTest = (title: string, run: (store: BrokerStore) => Promise<void>) => void;
