import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { registerIfSecret } from '../../support/canary-secrets.js';
import { isJson } from './keycloak-admin.js';

/** How a run of the client ended. */
export interface ClientResult {
  readonly code: number | null;
  readonly stderr: string;
  /** What it printed, when that is JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A run of the client that goes on. */
export interface ClientRun {
  /** The first URL that it tells the user to open. */
  readonly url: Promise<string>;
  readonly result: Promise<ClientResult>;
  /** Ends it. */
  stop(): void;
}

/** The Python client of one user on one machine, with a token store of its own in a folder of its own. */
export class PythonClient {
  private constructor(
    private readonly python: string,
    private readonly cache: string,
  ) {}

  static async install(python: string): Promise<PythonClient> {
    return new PythonClient(python, await mkdtemp(join(tmpdir(), 'oidc-python-client-')));
  }

  /** The command line: `oidc-auth <host> --json …`. */
  logIn(host: string, ...more: readonly string[]): ClientRun {
    return this.#run(['-m', 'py_oidc_auth_client', host, '--json', ...more]);
  }

  /** Asks the client for a token so often in one process, as a long job does; what it got last. */
  keepUsing(host: string, times: number): ClientRun {
    const script = 'import json, sys; from py_oidc_auth_client import authenticate';
    const loop = 'for _ in range(int(sys.argv[2])): token = authenticate(sys.argv[1])';
    return this.#run(['-c', `${script}\n${loop}\nprint(json.dumps(token))`, host, String(times)]);
  }

  /** What the client's store holds for a host. */
  async stored(host: string): Promise<Readonly<Record<string, unknown>>> {
    const text = await readFile(join(this.cache, 'py-oidc-auth', 'token-store.json'), 'utf8');
    const store: unknown = JSON.parse(text);
    const entry = isJson(store) ? store[host] : undefined;
    const token = isJson(entry) ? entry['token'] : undefined;
    return isJson(token) ? token : {};
  }

  async uninstall(): Promise<void> {
    await rm(this.cache, { recursive: true, force: true });
  }

  #run(args: readonly string[]): ClientRun {
    const child = spawn(this.python, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.cache,
        XDG_CACHE_HOME: this.cache,
        BROWSER: 'true %s', // the test is the browser
      },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));

    const result = once(child, 'close').then(() => {
      const json: unknown = stdout.startsWith('{') ? JSON.parse(stdout) : {};
      const token = isJson(json) ? json : {};
      registerIfSecret(token['access_token'], 'access token of the client');
      registerIfSecret(token['refresh_token'], 'refresh token of the client');
      return { code: child.exitCode, stderr, json: token };
    });
    const printed = async (): Promise<string> => {
      for (;;) {
        const [url] = /https?:\/\/\S+(?=\s)/.exec(stderr) ?? [];
        if (url !== undefined) return url;
        if (child.exitCode !== null) throw new Error(`The client names no URL: ${stderr}`);
        await Promise.race([once(child.stderr, 'data'), result]);
      }
    };
    const url = printed();
    url.catch(() => undefined); // runs that ask the user nothing
    return { url, result, stop: () => void child.kill() };
  }
}
