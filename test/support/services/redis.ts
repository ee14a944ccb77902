import { rm } from 'node:fs/promises';

import { freePort } from '../free-port.js';
import { type Service, ended, listening, serviceFolder, startChild } from './child.js';

/** Redis, which keeps nothing; `undefined` where it is not installed. */
export async function startRedis(): Promise<Service | undefined> {
  const port = await freePort();
  const folder = await serviceFolder();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const server = startChild(['redis-server', settings]);
  const missing = await new Promise<boolean>((resolve) => {
    server.child.once('error', () => resolve(true));
    server.child.once('spawn', () => resolve(false));
  });
  const stop = async (): Promise<void> => {
    if (!missing) await ended(server.child);
    await rm(folder, { recursive: true });
  };
  if (missing) {
    await stop();
    return undefined;
  }
  await listening(port, server);
  return { url: `redis://127.0.0.1:${port}`, stop };
}
