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
  /** @defaultValue the address of the instance itself */
  readonly publicUrl?: string;
  /** Options of `broker` beside those of all instances. */
  readonly broker?: object;
  /** Sessions of browsers by cookie. */
  readonly session?: object;
  /** The process counts what it asks the store: {@link InstanceProcess.counted}. */
  readonly counting?: boolean;
  /** The process tells when a refresh was committed, and does nothing from then on. */
  readonly holdAfterCommit?: boolean;
}

/** What an instance has done so far. */
export interface Counted {
  readonly calls: Readonly<Record<string, number>>;
  readonly processorMs: number;
}

interface Told extends Partial<Counted> {
  readonly event?: string;
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

  /** How often it has asked the store what, and the processor time that it has taken; with the setting `counting`. */
  async counted(): Promise<Counted> {
    this.child.send('count');
    const { calls = {}, processorMs = 0 } = await this.told('counted');
    return { calls, processorMs };
  }

  /** Waits until the process tells that. */
  async told(event: string): Promise<Told> {
    for (;;) {
      const end = new AbortController();
      const exited = once(this.child, 'exit', { signal: end.signal }).then(() => {
        throw new Error(`The instance ended before it was ${event}:\n${this.#output}`);
      });
      exited.catch(() => undefined);
      const [message]: Told[] = await Promise.race([
        once(this.child, 'message', { signal: end.signal }),
        exited,
      ]);
      end.abort();
      if (message?.event === event) return message;
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
