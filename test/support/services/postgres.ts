import { execFile } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort } from '../free-port.js';
import {
  type Service,
  accountOf,
  ended,
  inFolder,
  listening,
  serviceFolder,
  startChild,
} from './child.js';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

async function binaries(): Promise<string | undefined> {
  const versions = await readdir(INSTALLED).catch(() => []);
  const newest = versions.toSorted((one, other) => Number(one) - Number(other)).at(-1);
  return newest === undefined ? undefined : join(INSTALLED, newest, 'bin');
}

/**
 * PostgreSQL with user `test`, database `postgres`; `undefined` where it is not installed.
 *
 * @param kind `fast`: what was written may be lost when the machine stops, which no test minds.
 */
export async function startPostgres(
  kind: 'fast' | 'durable' = 'fast',
): Promise<Service | undefined> {
  const bin = await binaries();
  if (bin === undefined) return undefined;
  const account = await accountOf('postgres');
  const folder = await serviceFolder(account);
  const data = join(folder, 'data');
  const initdb = ['-D', data, '-A', 'trust', '-U', 'test', '--no-sync'];
  await run(join(bin, 'initdb'), initdb, { cwd: folder, env: inFolder(folder), ...account });
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
  ];
  const fsync = kind === 'fast' ? 'fsync=off' : 'fsync=on';
  const flags = [...settings, 'max_connections=400', fsync].flatMap((one) => ['-c', one]);
  const server = startChild([join(bin, 'postgres'), ['-D', data, ...flags]], {
    cwd: folder,
    ...account,
  });
  await listening(port, server);
  return {
    url: `postgres://test@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await ended(server.child, 'SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A transaction-pooling proxy in front of a PostgreSQL of ours. */
export async function startPgBouncer(postgres: Service): Promise<Service | undefined> {
  const account = await accountOf('postgres');
  const folder = await serviceFolder(account);
  const port = await freePort();
  const { port: behind } = new URL(postgres.url);
  const ini = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${behind} user=test`,
    '[pgbouncer]',
    `listen_port = ${port}`,
    'listen_addr = 127.0.0.1',
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 5',
    'max_client_conn = 500',
  ];
  await writeFile(ini, `${lines.join('\n')}\n`);
  const server = startChild(['/usr/sbin/pgbouncer', [ini]], {
    cwd: folder,
    env: inFolder(folder),
    ...account,
  });
  await listening(port, server);
  const url = new URL(postgres.url);
  url.port = String(port);
  return {
    url: url.href,
    stop: async () => {
      await ended(server.child, 'SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
