import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { startChild } from '../../support/services/child.js';
import { quietPort } from './quiet-port.js';

const READY_LIMIT_MS = 150_000;

/** A Keycloak without realms of ours; its user `admin` has the password `admin`. */
export class KeycloakServer {
  #process: ReturnType<typeof startChild> | undefined;

  private constructor(
    private readonly home: string,
    readonly url: string,
  ) {}

  static async start(home: string): Promise<KeycloakServer> {
    const server = new KeycloakServer(home, `http://127.0.0.1:${await quietPort()}`);
    await server.startAgain();
    return server;
  }

  /** On the same port; realms, users, sessions and keys were in memory. */
  async startAgain(): Promise<void> {
    const management = await quietPort();
    const flags = [
      'start',
      '--optimized',
      '--cache=local', // else it listens beyond loopback
      '--http-enabled=true',
      '--http-host=127.0.0.1',
      `--http-port=${new URL(this.url).port}`,
      `--http-management-port=${management}`,
      `--hostname=${this.url}`,
    ];
    const started = startChild([join(this.home, 'bin', 'kc.sh'), flags], {
      cwd: this.home,
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
        KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin',
        JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx384m',
      },
    });
    this.#process = started;
    await ready(`http://127.0.0.1:${management}/health/ready`, started);
  }

  async stop(): Promise<void> {
    const child = this.#process?.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM'); // SIGKILL would end the script and leave its Java process behind
    await exited;
  }
}

async function ready(url: string, { child, output }: ReturnType<typeof startChild>): Promise<void> {
  const end = Date.now() + READY_LIMIT_MS;
  while (!(await isUp(url))) {
    if (child.exitCode !== null || Date.now() > end) {
      throw new Error(`Keycloak did not start:\n${output()}`);
    }
    await sleep(250);
  }
}

async function isUp(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}
