import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

import { portOf } from '../../support/listening-port.js';

/** Below those that systems give to connections and to servers that do not care (RFC 6335 §6: from 49152; Linux: from 32768). */
const [FIRST, END] = [20_000, 30_000];

/**
 * A free TCP port of 127.0.0.1 that nobody is given by chance. A counterpart takes seconds to start, in which a suite
 * beside it opens hundreds of sockets.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(randomInt(FIRST, END), '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // in use
    }
    const port = portOf(server);
    server.close();
    await once(server, 'close');
    return port;
  }
}
