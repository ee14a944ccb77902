import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort } from '../free-port.js';
import { type Service, ended, listening, serviceFolder, startChild } from './child.js';

/** A program that hands messages on, keeps nothing and listens on loopback only. */
export interface MessageBroker {
  readonly program: string;
  /** What it is started with, in a folder of its own. */
  settings(port: number, folder: string): Promise<readonly string[]>;
}

export const redisServer: MessageBroker = {
  program: 'redis-server',
  settings: async (port, folder) => [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    folder,
  ],
};

export const natsServer: MessageBroker = {
  program: 'nats-server',
  settings: async (port) => ['--addr', '127.0.0.1', '--port', String(port)],
};

export const mosquitto: MessageBroker = {
  program: 'mosquitto',
  settings: async (port, folder) => {
    const file = join(folder, 'mosquitto.conf');
    await writeFile(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
    return ['-c', file];
  },
};

/** Starts one; `undefined` where it is not installed. */
export async function startMessageBroker(broker: MessageBroker): Promise<Service | undefined> {
  const port = await freePort();
  const folder = await serviceFolder();
  const { PATH = '' } = process.env;
  const server = startChild([broker.program, await broker.settings(port, folder)], {
    env: { ...process.env, PATH: `${PATH}:/usr/sbin` }, // where Debian puts such programs
  });
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
  return { url: `tcp://127.0.0.1:${port}`, stop };
}
