import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { projectRoot } from './project-root.js';
import { run } from './run-command.js';

/** Packs the project into an empty folder as publishing does, build included; gives the tarball's path. */
export async function packProject(folder: string): Promise<string> {
  await run('npm', ['pack', '--pack-destination', folder], { cwd: projectRoot });
  const [tarball] = await readdir(folder);
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
  return join(folder, tarball);
}

/** Installs the tarball into an empty folder, beside what every Nest application has, and `more`. */
export async function installBeside(
  nest: string,
  tarball: string,
  folder: string,
  more: readonly string[] = [],
): Promise<void> {
  const nestPackages = ['common', 'core', 'platform-express'].map((n) => `@nestjs/${n}@${nest}`);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  await installPackages([tarball, ...nestPackages, 'reflect-metadata', 'rxjs', ...more], folder);
}

/** Adds packages to a folder that has a `package.json`. */
export async function installPackages(packages: readonly string[], folder: string): Promise<void> {
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', ...fewRetries];
  try {
    await run('npm', ['install', ...flags, ...packages], { cwd: folder });
  } catch (error) {
    if (await registryAnswers(folder)) throw error;
    const message =
      "npm's registry does not answer, and the package tests need it: they install what a host installs.";
    throw new Error(message, { cause: error });
  }
}

const fewRetries = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000'];

/** Asked after a failure only: without a registry npm says that it cannot resolve the dependencies. */
async function registryAnswers(folder: string): Promise<boolean> {
  try {
    await run('npm', ['view', 'rxjs', 'version', '--prefer-online', ...fewRetries], {
      cwd: folder,
    });
    return true;
  } catch {
    return false;
  }
}
