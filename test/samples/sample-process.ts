import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { freePort } from '../support/free-port.js';
import { ended, listening } from '../support/services/child.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A sample, as a person starts it: its own build, its own process. */
export class SampleProcess {
  #running: { child: ChildProcess; output: () => string } | undefined;

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Builds the package and the sample. */
  static async build(name: string, settings: Record<string, string>): Promise<SampleProcess> {
    const port = await freePort();
    const env = { ...process.env, ...settings, PORT: String(port) };
    await run('npm', ['run', 'build'], { cwd: root });
    const folder = `${root}sample/${name}`;
    await run('npx', ['tsc', '-p', 'tsconfig.json'], { cwd: folder });
    return new SampleProcess(`http://localhost:${port}`, folder, env);
  }

  /** Runs one of its npm scripts to the end. */
  async script(name: string): Promise<string> {
    return (await run('npm', ['run', name], { cwd: this.folder, env: this.env })).stdout;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['dist/main.js'], { cwd: this.folder, env: this.env });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    }
    this.#running = { child, output: () => text };
    await listening(Number(new URL(this.url).port), this.#running);
  }

  /** As by Ctrl-C. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    const { child } = this.#running;
    this.#running = undefined;
    await ended(child);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}
