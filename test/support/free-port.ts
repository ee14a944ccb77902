import { once } from 'node:events';
import { createServer } from 'node:net';

import { portOf } from './listening-port.js';

/** A TCP port of 127.0.0.1 that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);

  server.close();
  await once(server, 'close');
  return port;
}
