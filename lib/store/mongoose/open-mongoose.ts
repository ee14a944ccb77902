import { createConnection } from 'mongoose';
import { DocumentBrokerStore } from './document-broker.store.js';
import type { BrokerStore } from '../broker-store.js';

const SERVER_SELECTION_TIMEOUT_MS = 5000;

/** A store on a connection of its own. */
class OwnConnectionStore extends DocumentBrokerStore {
  constructor(private readonly url: string) {
    super(createConnection());
  }

  /** May be called again after it failed. */
  override async open(): Promise<void> {
    await this.connection.openUri(this.url, {
      serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
    });
    await super.open();
  }

  override async close(): Promise<void> {
    await this.connection.close();
  }
}

/** A server that speaks MongoDB's protocol. */
export function openMongoose(url: string): BrokerStore {
  return new OwnConnectionStore(url);
}
