import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { freePort } from '../../support/free-port.js';
import { ended } from '../../support/services/child.js';

const PROGRAM = fileURLToPath(new URL('./instance.mjs', import.meta.url));

export interface InstanceSettings {
  readonly storeUrl: string;
  readonly discoveryUrl: string;
  readonly clientSecret: string;
  /** @defaultValue `10000` */
  readonly timeoutMs?: number;
  /** The process tells when a refresh was committed, and does nothing from then on. */
  readonly holdAfterCommit?: boolean;
}

/** An instance in a process of its own. */
export class InstanceProcess {
  #output = '';

  private constructor(
    readonly url: string,
    readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
  }

  static async start(settings: InstanceSettings): Promise<InstanceProcess> {
    const port = await freePort();
    const given = { timeoutMs: 10_000, ...settings, port };
    const child = fork(PROGRAM, {
      env: { ...process.env, INSTANCE_SETTINGS: JSON.stringify(given) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const instance = new InstanceProcess(`http://localhost:${port}`, child);
    await instance.told('listening');
    return instance;
  }

  /** What it printed. */
  get output(): string {
    return this.#output;
  }

  /** Waits until the process tells that. */
  async told(event: string): Promise<void> {
    for (;;) {
      const end = new AbortController();
      const exited = once(this.child, 'exit', { signal: end.signal }).then(() => {
        throw new Error(`The instance ended before it was ${event}:\n${this.#output}`);
      });
      exited.catch(() => undefined);
      const [message]: { event?: string }[] = await Promise.race([
        once(this.child, 'message', { signal: end.signal }),
        exited,
      ]);
      end.abort();
      if (message?.event === event) return;
    }
  }

  /** Ends it at once, as a crash or an operator out of patience does. */
  async kill(): Promise<void> {
    await ended(this.child, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await ended(this.child);
  }
}
