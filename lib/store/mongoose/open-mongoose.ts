import { createConnection, mongo } from 'mongoose';
import { DocumentBrokerStore } from './document-broker.store.js';
import type { BrokerStore } from '../../contract/broker-store.js';
import { databaseMissing, unreadable } from '../store-errors.js';

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

/**
 * A server that speaks MongoDB's protocol.
 *
 * @throws {@link OidcConfigError} for a URL that the driver cannot read, or that names no database: the driver would take one
 * called `test`.
 */
export function openMongoose(url: string): BrokerStore {
  if (!isReadable(url)) throw unreadable('mongodb');
  if (!namesDatabase(url)) throw databaseMissing('mongodb');
  return new OwnConnectionStore(url);
}

/** The driver reads all of a URL before it connects. What it says of it can quote from it, and is not repeated. */
function isReadable(url: string): boolean {
  try {
    return new mongo.MongoClient(url) instanceof mongo.MongoClient;
  } catch {
    return false;
  }
}

/** Behind the hosts, of which there may be several. */
function namesDatabase(url: string): boolean {
  const [beforeOptions = ''] = url.split('?');
  return /^[a-z+]+:\/\/[^/]+\/[^/]+$/.test(beforeOptions);
}
