import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { blocksOf } from '../readme/documents.js';
import { installPackages } from './npm.js';
import { projectRoot } from './project-root.js';
import { run } from './run-command.js';

type Manifest = Record<string, Record<string, unknown>>;

/** What looks at the code or formats it, and is not needed to run its tests. */
const LINTERS = /eslint|prettier|oxlint|^globals$|coverage/;

/**
 * A project as `nest new` makes it, to which a developer added this package, and the controller and tests of `docs/testing.md`. Its
 * programs run without this process's environment.
 */
export class NewProject {
  private constructor(
    readonly folder: string,
    readonly manager: 'npm' | 'pnpm',
    private readonly temporary: string,
  ) {}

  /** Made by the command line tool of that major version of Nest. */
  static async generate(nest: 11 | 12, tarball: string): Promise<NewProject> {
    const temporary = await mkdtemp(join(tmpdir(), 'oidc-new-'));
    await writeFile(join(temporary, 'package.json'), JSON.stringify({ private: true }));
    await installPackages([`@nestjs/cli@^${nest}`], temporary);
    const nestNew = ['new', 'shop', '--skip-install', '--skip-git', '--package-manager', 'npm'];
    await run(join(temporary, 'node_modules/.bin/nest'), nestNew, { cwd: temporary });
    const project = new NewProject(join(temporary, 'shop'), 'npm', temporary);
    await project.#add(nest === 11 ? withoutExtensions : (text) => text);
    await installPackages([tarball], project.folder);
    return project;
  }

  /** The same project in another folder, installed by pnpm, whose `node_modules` shows each package only what it declares. */
  async withPnpm(tarball: string): Promise<NewProject> {
    const temporary = await mkdtemp(join(tmpdir(), 'oidc-pnpm-'));
    await writeFile(join(temporary, 'package.json'), JSON.stringify({ private: true }));
    await installPackages(['pnpm@^10'], temporary); // the last that runs on Node 20
    const folder = join(temporary, 'shop');
    await cp(this.folder, folder, {
      recursive: true,
      filter: (path) => !/node_modules|package-lock/.test(path.slice(this.folder.length)),
    });
    const project = new NewProject(folder, 'pnpm', temporary);
    await project.edit('package.json', ({ dependencies, ...others }) => {
      return {
        ...others,
        dependencies: { ...dependencies, 'nestjs-oidc-auth': `file:${tarball}` },
      };
    });
    const pnpm = join(temporary, 'node_modules/.bin/pnpm');
    await run(pnpm, ['install', '--prefer-offline'], { cwd: folder });
    return project;
  }

  async install(...packages: string[]): Promise<void> {
    await installPackages(packages, this.folder);
  }

  async write(file: string, content: object): Promise<void> {
    await writeFile(join(this.folder, file), JSON.stringify(content));
  }

  /** Changes a JSON file. */
  async edit(file: string, change: (content: Manifest) => object): Promise<void> {
    await this.write(file, change(JSON.parse(await readFile(join(this.folder, file), 'utf8'))));
  }

  /** Runs a script of the project's `package.json`. @returns how many tests passed; none failed. */
  async test(script: 'test' | 'test:e2e'): Promise<number> {
    const tool = this.manager === 'npm' ? 'npm' : join(this.temporary, 'node_modules/.bin/pnpm');
    const { stdout, stderr } = await this.#run(tool, ['run', script]);
    const summary = /^ *Tests:? +(?<passed>\d+) passed/m.exec(stdout + stderr)?.groups;
    return Number(summary?.['passed']);
  }

  /** Tests included. */
  async typeCheck(): Promise<void> {
    await this.#run(join(this.folder, 'node_modules/.bin/tsc'), [
      '--noEmit',
      '-p',
      'tsconfig.json',
    ]);
  }

  remove(): Promise<void> {
    return rm(this.temporary, { recursive: true });
  }

  async #run(command: string, args: readonly string[]) {
    const { PATH, HOME } = process.env;
    return run(command, args, { cwd: this.folder, env: { PATH, HOME, CI: 'true', NO_COLOR: '1' } });
  }

  async #add(adapt: (text: string) => string): Promise<void> {
    for (const { file, code } of blocksOf('docs/testing.md')) {
      if (file !== undefined) await writeFile(join(this.folder, file), adapt(code));
    }
    const module = await readFile(`${projectRoot}test/package/new-project/app.module.ts`, 'utf8');
    await writeFile(join(this.folder, 'src/app.module.ts'), adapt(module));
    await this.edit('package.json', ({ devDependencies = {}, ...others }) => {
      const kept = Object.entries(devDependencies).filter(([name]) => !LINTERS.test(name));
      return { ...others, devDependencies: Object.fromEntries(kept) };
    });
  }
}

/** As CommonJS is written, and Jest resolves it. */
function withoutExtensions(text: string): string {
  return text.replace(/(from '\.[^']*)\.js'/g, "$1'");
}
