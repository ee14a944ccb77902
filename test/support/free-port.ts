import { once } from 'node:events';
import { createServer } from 'node:net';

import { portOf } from './listening-port.js';

/** A port that nobody else gets before it is released. */
export interface HeldPort {
  readonly port: number;
  /** To be called as shortly as can be before something listens there. */
  release(): Promise<void>;
}

/** Takes a free TCP port of 127.0.0.1. */
export async function holdPort(): Promise<HeldPort> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: portOf(server),
    release: async () => {
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

/** A TCP port of 127.0.0.1 that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const held = await holdPort();
  await held.release();
  return held.port;
}
