import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
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
const SERVER = '/usr/sbin/mariadbd';

/** MariaDB with user `test`, who may do everything; `undefined` where it is not installed. */
export async function startMariaDb(): Promise<Service | undefined> {
  if (!existsSync(SERVER)) return undefined;
  const account = await accountOf('mysql');
  const folder = await serviceFolder(account);
  const data = join(folder, 'data');
  const install = [`--datadir=${data}`, '--auth-root-authentication-method=normal'];
  await run('mariadb-install-db', install, { cwd: folder, env: inFolder(folder), ...account });
  const port = await freePort();
  const socket = join(folder, 's.sock');
  const flags = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${socket}`,
    '--max-connections=500',
  ];
  const server = startChild([SERVER, flags], { cwd: folder, env: inFolder(folder), ...account });
  await listening(port, server);
  const grant =
    "create user test@'127.0.0.1' identified by 'test'; grant all on *.* to test@'127.0.0.1'";
  await run('mariadb', ['-h127.0.0.1', `-P${port}`, '-uroot', '-e', grant]);
  return {
    url: `mysql://test:test@127.0.0.1:${port}/mysql`,
    stop: async () => {
      await ended(server.child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
