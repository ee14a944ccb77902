import { readFile } from 'node:fs/promises';

import ts from 'typescript';
import { describe, expect, inject, it } from 'vitest';

import { deadLinks } from '../readme/links.js';
import { installedTool, projectRoot } from './project-root.js';
import { run } from './run-command.js';

const tarball = inject('tarball');

async function packedFiles(): Promise<readonly string[]> {
  const { stdout } = await run('tar', ['-tzf', tarball], { cwd: projectRoot });
  return stdout.trim().split('\n');
}

async function packedText(file: string): Promise<string> {
  const { stdout } = await run('tar', ['-xzOf', tarball, file], { cwd: projectRoot });
  return stdout;
}

/** The packages that the packed modules and declarations name, without their subpaths. */
async function importedPackages(): Promise<ReadonlySet<string>> {
  const modules = (await packedFiles()).filter((file) => /\.(?:js|ts)$/.test(file));
  const texts = await Promise.all(modules.map(packedText));
  const names = texts.flatMap((text) =>
    ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName),
  );
  const foreign = names.filter((name) => !/^(?:\.|node:)/.test(name));
  return new Set(foreign.map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name));
}

describe('the documents in the tarball', () => {
  it('have no link that leads out of it, or nowhere', async () => {
    const files = (await packedFiles()).map((file) => file.replace(/^package\//, ''));
    const texts = new Map<string, string>();
    for (const file of files.filter((name) => name.endsWith('.md'))) {
      texts.set(file, await packedText(`package/${file}`));
    }

    expect([...texts.keys()]).toContain('docs/providers/keycloak.md');
    expect(deadLinks([...texts.keys()], (path) => texts.get(path))).toEqual([]);
  });
});

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

describe('the packed tarball', () => {
  it('holds the built module, the licence, the README, its pages and the changelog, and nothing else', async () => {
    const files = await packedFiles();

    const besideBuild = files.filter(
      (file) => !/^package\/(?:dist\/.+\.(?:js|d\.ts)|docs\/[^.]+\.md)$/.test(file),
    );
    expect(besideBuild.toSorted()).toEqual([
      'package/CHANGELOG.md',
      'package/LICENSE',
      'package/README.md',
      'package/package.json',
    ]);
    expect(files).toContain('package/dist/index.js');
    expect(files).toContain('package/dist/index.d.ts');
  });

  it('holds a declaration for every module, and no test', async () => {
    const files = await packedFiles();

    const modules = files.filter((file) => file.endsWith('.js'));
    expect(files).toEqual(expect.arrayContaining(modules.map((m) => m.replace(/js$/, 'd.ts'))));
    expect(
      files.filter((file) => /\.spec|\/tests?\/|sample|oxlint|prettier|vitest/.test(file)),
    ).toEqual([]);
  });

  it('imports only packages that it declares, and declares only packages that it imports', async () => {
    const manifest: Manifest = JSON.parse(await packedText('package/package.json'));

    const imported = await importedPackages();

    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    // Nest wants its host to load `reflect-metadata`, so it is a peer that we do not import.
    expect([...imported, 'reflect-metadata'].toSorted()).toEqual(Object.keys(declared).toSorted());
  });

  it('satisfies publint, warnings included', async () => {
    const { stdout } = await run(installedTool('publint'), ['run', tarball, '--strict'], {
      cwd: projectRoot,
    });

    expect(stdout).toContain('All good!');
  });

  it('resolves for ESM and bundlers, by are-the-types-wrong', async () => {
    const args = [tarball, '--profile', 'esm-only', '--format', 'json'];

    const { stdout } = await run(installedTool('attw'), args, { cwd: projectRoot });

    // With this profile the CommonJS resolutions are left out: hosts use `require()` of ES modules.
    expect(JSON.parse(stdout)).toMatchObject({ analysis: { packageName: 'nestjs-oidc-auth' } });
  });
});

describe('the lock file', () => {
  it('names no registry, so that every machine asks its own', async () => {
    const lock = await readFile(`${projectRoot}package-lock.json`, 'utf8');

    expect(lock.match(/"resolved": "http[^"]*"/g)).toBeNull();
  });
});
