import type { Server } from 'node:http';

import { portOf } from './listening-port.js';

const errors: string[] = [];
const serversNotToNote = new Map<string, Server>();

let allowed = false;

/** Notes every answer 500 of a server of ours, whoever asked for it. The server must be listening. */
export function watchServerErrors(server: Server): void {
  server.on('request', (request, response) => {
    response.on('finish', () => {
      if (response.statusCode === 500) errors.push(`${request.method} ${request.url}`);
    });
  });
  noteNoAnswersOf(server); // noted here, so not a second time by the client
}

/** A test provider may answer 500: that is no fault of ours. */
export function isTestProvider(server: Server): void {
  noteNoAnswersOf(server);
}

/** Notes an answer 500 seen by a client, unless the port belongs to a server that is looked after. */
export function noteAnswer(method: string, url: URL, status: number): void {
  if (status !== 500 || serversNotToNote.has(url.port)) return;
  errors.push(`${method} ${url.pathname}`);
}

/** The running test expects an answer 500. */
export function allowServerError(): void {
  allowed = true;
}

/** The answers 500 since the last call which no test allowed; begins a new count. */
export function takeServerErrors(): readonly string[] {
  const found = allowed ? [] : [...errors];
  allowed = false;
  errors.length = 0;
  return found;
}

/** For as long as it listens: its port may be another server's later. */
function noteNoAnswersOf(server: Server): void {
  const port = String(portOf(server));
  serversNotToNote.set(port, server);
  server.once('close', () => {
    if (serversNotToNote.get(port) === server) serversNotToNote.delete(port);
  });
}
