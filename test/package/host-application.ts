import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { installedTool, projectRoot } from './project-root.js';
import { run, type CommandOutput } from './run-command.js';

/** How an application is written: as ECMAScript modules, or as CommonJS that calls `require()`. */
export const moduleKinds = ['module', 'commonjs'] as const;

export type ModuleKind = (typeof moduleKinds)[number];

/** Node 22.12 warns of every `require()` of an ES module; later releases, and Node 20, do not. */
const nodeFlags = ['--disable-warning=ExperimentalWarning'];

/** The programs of a folder of `test/package`, where nothing but what was installed can be found. */
export class HostApplication {
  readonly #folder: string;
  #compiled: Promise<string> | undefined;

  /** @param installed a folder in which the package is installed */
  constructor(
    installed: string,
    readonly kind: ModuleKind,
    private readonly programs: 'hosts' | 'context-hosts' = 'hosts',
  ) {
    this.#folder = join(installed, kind);
  }

  /** The folder of the compiled programs; they are compiled once. */
  async compiled(): Promise<string> {
    this.#compiled ??= this.#compile();
    return this.#compiled;
  }

  /** Runs a program to its end. Nothing of this process's environment reaches it but `PATH`. */
  async run(
    node: string,
    args: readonly string[],
    settings: Record<string, string> = {},
  ): Promise<CommandOutput> {
    const env = { PATH: process.env['PATH'], ...settings };
    return run(node, [...nodeFlags, ...args], { cwd: await this.compiled(), env });
  }

  async #compile(): Promise<string> {
    const folder = this.#folder;
    await mkdir(folder);
    await cp(`${projectRoot}test/package/${this.programs}`, folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: this.kind }));
    const config = {
      compilerOptions: {
        ...compilerOptions(this.kind),
        // Declarations of @nestjs/graphql name packages that it does not bring.
        skipLibCheck: this.programs === 'context-hosts',
      },
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(installedTool('tsc'), ['-p', '.'], { cwd: folder });
    return folder;
  }
}

/** As Nest applications have them. The types of Node come from the project; hosts have them anyway. */
function compilerOptions(kind: ModuleKind): object {
  return {
    module: kind === 'module' ? 'nodenext' : 'node20',
    target: 'es2023',
    strict: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node'],
    typeRoots: [`${projectRoot}node_modules/@types`],
  };
}
