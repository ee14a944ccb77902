import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

import { portOf } from './listening-port.js';
import { RequestLog, type LoggedRequest } from './request-log.js';
import { isTestProvider } from './server-errors.js';

type Handler = (incoming: IncomingMessage, response: ServerResponse, entry: LoggedRequest) => void;

/** How long clients in this process get to notice that their kept-alive connections are gone. */
const CLOSING_MS = 20;

/** An HTTP server on 127.0.0.1 that logs what reaches it, and can go down and come back on its port. */
export class TestServer {
  readonly #log = new RequestLog();
  #server: Server = createServer();
  #port = 0;

  constructor(private readonly handle: Handler) {}

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get requests(): readonly LoggedRequest[] {
    return this.#log.requests;
  }

  clearRequests(): void {
    this.#log.clear();
  }

  /** Listens: the first time on this port (0: a free one), later on the same as before. */
  async start(port: number = this.#port): Promise<void> {
    this.#server = createServer((incoming, response) => {
      this.handle(incoming, response, this.#log.record(incoming));
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = portOf(this.#server);
    isTestProvider(this.#server);
  }

  /** Goes down: closes the port and every connection, so that the next caller is refused. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await this.close();
    await wait(CLOSING_MS);
  }

  /** Ends: nobody is going to ask it again. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
