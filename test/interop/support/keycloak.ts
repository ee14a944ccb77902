import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { TEST_CLIENT_SECRET } from '../../support/provider-options.js';
import { startChild } from '../../support/services/child.js';
import { freePort } from '../../support/free-port.js';
import { KeycloakAdmin, REALM } from './keycloak-admin.js';

const READY_LIMIT_MS = 120_000;

/** A Keycloak with the realm of the suites; what {@link startApp} needs of a provider. */
export class Keycloak {
  readonly admin: KeycloakAdmin;
  readonly clientSecret = TEST_CLIENT_SECRET;
  #server: ReturnType<typeof startChild> | undefined;

  /** @param home `undefined`: it runs elsewhere, and is not ours to stop. */
  private constructor(
    private readonly url: string,
    private readonly home: string | undefined,
  ) {
    this.admin = new KeycloakAdmin(url);
  }

  /** The one that `OIDC_TEST_KEYCLOAK_URL` names, where `admin` has the password `admin`, else one of our own. */
  static async start(): Promise<Keycloak> {
    const running = process.env['OIDC_TEST_KEYCLOAK_URL'];
    const home = process.env['OIDC_TEST_KEYCLOAK_HOME'];
    const url = running ?? `http://127.0.0.1:${await freePort()}`;
    const keycloak = new Keycloak(url.replace(/\/$/, ''), running ? undefined : home);
    await keycloak.startAgain();
    return keycloak;
  }

  get isOurs(): boolean {
    return this.home !== undefined;
  }

  get issuer(): string {
    return `${this.url}/realms/${REALM}`;
  }

  get discoveryUrl(): string {
    return `${this.issuer}/.well-known/openid-configuration`;
  }

  /** On the same port: users, sessions and keys are new. */
  async startAgain(): Promise<void> {
    if (this.home !== undefined) await this.#run(this.home);
    await this.admin.createRealm();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.child.exitCode !== null) return;
    const exited = once(server.child, 'exit');
    server.child.kill('SIGTERM'); // never SIGKILL: that ends the script and leaves its Java process behind
    await exited;
  }

  async #run(home: string): Promise<void> {
    const { port } = new URL(this.url);
    const management = await freePort();
    const flags = [
      'start',
      '--optimized',
      '--cache=local',
      '--http-enabled=true',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${management}`,
      `--hostname=${this.url}`,
    ];
    this.#server = startChild([join(home, 'bin', 'kc.sh'), flags], {
      cwd: home,
      env: {
        ...process.env,
        KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
        KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin',
        JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx384m',
      },
    });
    await ready(`http://127.0.0.1:${management}/health/ready`, this.#server);
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
