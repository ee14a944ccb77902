import { exportJWK, generateKeyPair } from 'jose';

import { AUDIENCE, CLIENT_ID, CLIENT_SECRET } from './issuer.js';
import { type Served, type Settings, Worker, serveNode } from './served.js';

/** What a client of broker mode holds. */
export interface Held {
  readonly access?: string;
  readonly refresh?: string;
  readonly cookie?: string;
}

interface FlowOrder {
  readonly flow: 'login' | 'browser' | 'refresh' | 'revoke';
  readonly ports: readonly number[];
  readonly callers: number;
  /** So many in all; without it until the time is over. */
  readonly most?: number;
  readonly seconds?: number;
  /** With what they are done: each is used by one caller at a time. */
  readonly held?: readonly Held[];
}

/** How it went. Times in milliseconds. */
export interface FlowResult {
  readonly done: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** What the clients hold now. */
  readonly held: readonly Held[];
}

/** The process in which clients of broker mode are. */
export class Flows {
  readonly #worker = new Worker<FlowOrder, FlowResult>('flows.js');

  run(order: FlowOrder): Promise<FlowResult> {
    return this.#worker.order(order);
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }
}

/** Of all instances of one application. */
export interface BrokerApplication {
  readonly settings: Settings;
  start(more?: Readonly<Record<string, unknown>>): Promise<Served>;
}

const KEY_ID = 'instant';

/** An application in broker mode on a store, with a provider of no latency. */
export async function brokerApplication(
  store: string,
  { adapter = 'fastify', ...more }: Partial<Settings> = {},
): Promise<BrokerApplication> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const privateJwk = await exportJWK(privateKey);
  const publicJwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'ES256', use: 'sig' };
  const issuer = 'https://idp.example.org/instant';
  const settings: Settings = {
    adapter,
    issuer,
    publicKey: publicJwk,
    provider: { issuer, privateJwk, publicJwk },
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    audience: AUDIENCE,
    tokens: [],
    ...more,
    // What an instance does by itself every few seconds is not counted as that of a request.
    broker: { store, revocationPollSec: 10, ...Object(more['broker']) },
  };
  return { settings, start: (own) => serveNode('servers/broker.js', { ...settings, ...own }) };
}
