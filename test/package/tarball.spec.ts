import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { deadLinks } from '../readme/links.js';
import { installedTool, projectRoot } from './project-root.js';
import { run } from './run-command.js';

const tarball = inject('tarball');

async function packedFiles(): Promise<readonly string[]> {
  const { stdout } = await run('tar', ['-tzf', tarball], { cwd: projectRoot });
  return stdout.trim().split('\n');
}

let unpacked: string;

beforeAll(async () => {
  unpacked = await mkdtemp(join(tmpdir(), 'oidc-unpacked-'));
  await run('tar', ['-xzf', tarball], { cwd: unpacked });
});

afterAll(() => rm(unpacked, { recursive: true }));

function packedText(file: string): Promise<string> {
  return readFile(join(unpacked, file), 'utf8');
}

/** The packages that the packed modules and declarations name, without their subpaths. */
async function importedPackages(): Promise<ReadonlySet<string>> {
  const modules = (await packedFiles()).filter((file) => /\.(?:js|ts|cjs|cts)$/.test(file));
  const texts = await Promise.all(modules.map(packedText));
  const names = texts.flatMap((text) =>
    ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName),
  );
  const foreign = names.filter((name) => !/^(?:\.|node:)/.test(name));
  return new Set(foreign.map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name));
}

/** The declarations that an import of this one reads. */
async function declaredWith(file: string, found = new Set<string>()): Promise<Set<string>> {
  if (found.has(file)) return found;
  found.add(file);
  const { importedFiles } = ts.preProcessFile(await packedText(file), true, true);
  for (const { fileName } of importedFiles.filter((one) => one.fileName.startsWith('.'))) {
    await declaredWith(join(dirname(file), fileName.replace(/js$/, 'd.ts')), found);
  }
  return found;
}

/** What loading a module of the build loads: its own parts by path, packages by name. */
async function loadedWith(file: string, loaded = new Set<string>()): Promise<Set<string>> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  const text = await packedText(file);
  for (const [, name = ''] of text.matchAll(/^(?:import|export)\b[^'"(\n]*["']([^"']+)["']/gm)) {
    if (name.startsWith('.')) await loadedWith(join(dirname(file), name), loaded);
    else loaded.add(name);
  }
  return loaded;
}

describe('the documents in the tarball', () => {
  it('have no link that leads out of it, or nowhere', async () => {
    const files = (await packedFiles()).map((file) => file.replace(/^package\//, ''));
    const texts = new Map<string, string>();
    for (const file of files.filter((name) => name.endsWith('.md'))) {
      texts.set(file, await packedText(`package/${file}`));
    }

    expect([...texts.keys()]).toContain('docs/providers/keycloak.md');
    const packed = (path: string) => texts.get(path) ?? (files.includes(path) ? '' : undefined);
    expect(deadLinks([...texts.keys()], packed)).toEqual([]);
  });
});

interface Manifest {
  readonly exports: Record<string, string | object>;
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

describe('the packed tarball', () => {
  it('holds the built module, the licence, the README, its pages with the dashboard and the changelog, and nothing else', async () => {
    const files = await packedFiles();

    const built =
      /^package\/(?:dist\/.+\.(?:js|d\.ts)|dist\/cjs\/.+\.(?:cjs|d\.cts)|docs\/[^.]+\.md)$/;
    const besideBuild = files.filter((file) => !built.test(file));
    expect(besideBuild.toSorted()).toEqual([
      'package/CHANGELOG.md',
      'package/LICENSE',
      'package/README.md',
      'package/dist/LICENSES.txt',
      'package/dist/cjs/LICENSES.txt',
      'package/docs/grafana-dashboard.json',
      'package/package.json',
    ]);
    expect(files).toContain('package/dist/index.js');
    expect(files).toContain('package/dist/index.d.ts');
  });

  it('holds a declaration for every entry, and no test', async () => {
    const files = await packedFiles();

    const modules = files.filter((file) => file.endsWith('.js') && !/\/dist\/parts\//.test(file));
    expect(modules.length).toBeGreaterThan(10);
    expect(files).toEqual(expect.arrayContaining(modules.map((m) => m.replace(/js$/, 'd.ts'))));
    const entries = files.filter((file) => /\/cjs\/[^/]+\.cjs$/.test(file)); // its other parts are nobody's to import
    expect(files).toEqual(expect.arrayContaining(entries.map((m) => m.replace(/cjs$/, 'd.cts'))));
    expect(
      files.filter((file) =>
        /\.spec|\/tests?\/|^package\/sample|oxlint|prettier|vitest/.test(file),
      ),
    ).toEqual([]);
  });

  it('holds no declaration that no entry leads to', async () => {
    const files = await packedFiles();

    const isEntry = /\/cjs\/[^/]+\.cjs$|\/dist\/(?!parts\/|cjs\/).+\.js$/;
    const reached = new Set<string>();
    for (const file of files.filter((one) => isEntry.test(one))) {
      await declaredWith(file.replace(/(c?)js$/, 'd.$1ts'), reached);
    }
    const declarations = files.filter((file) => /\.d\.c?ts$/.test(file));
    expect(declarations.toSorted()).toEqual([...reached].toSorted());
  });

  it('imports only packages that it declares, and declares only packages that it imports', async () => {
    const manifest: Manifest = JSON.parse(await packedText('package/package.json'));

    const imported = await importedPackages();

    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    // Nest wants its host to load `reflect-metadata`, so it is a peer that we do not import.
    expect([...imported, 'reflect-metadata'].toSorted()).toEqual(Object.keys(declared).toSorted());
  });

  it('has a build in CommonJS of each entry, which Node finds after the ES modules', async () => {
    const { exports }: Manifest = JSON.parse(await packedText('package/package.json'));

    const entries = Object.values(exports).filter((entry) => typeof entry === 'object');
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual(['module-sync', 'require', 'default']);
    }
  });

  it.each([
    ['of ES modules', '.js'],
    ['in CommonJS', '.cjs'],
  ])('holds each class of the build %s once, whichever entries use it', async (_, extension) => {
    const parts = (await packedFiles()).filter((file) => file.endsWith(extension));

    const texts = await Promise.all(parts.map(packedText));
    const classes = texts.flatMap((text) => [
      ...new Set(
        [...text.matchAll(/\bclass ([A-Z]\w*)|\b([A-Z]\w*) = class\b/g)].map(
          ([, named, of]) => named ?? of,
        ),
      ),
    ]);
    expect(classes).toEqual(expect.arrayContaining(['BrokerStore', 'OAuthError', 'Authenticator']));
    expect(classes.filter((name, at) => classes.indexOf(name) !== at)).toEqual([]);
  });

  it('loads few files, and no package that an application may do without', async () => {
    const loaded = [...(await loadedWith('package/dist/index.js'))];

    const packages = loaded.filter((name) => !/^(?:package\/|node:)/.test(name));
    // The whole of jose, and openid-client, are for who logs in or brings a token.
    expect(packages.toSorted()).toEqual([
      '@nestjs/common',
      '@nestjs/core',
      'jose/jwt/decode',
      'rxjs',
    ]);
    expect(loaded.filter((name) => name.startsWith('package/')).length).toBeLessThan(10);
  });

  it('satisfies publint, warnings included', async () => {
    const { stdout } = await run(installedTool('publint'), ['run', tarball, '--strict'], {
      cwd: projectRoot,
    });

    expect(stdout).toContain('All good!');
  });

  it('resolves in every way that TypeScript has, by are-the-types-wrong', async () => {
    const args = [tarball, '--profile', 'strict', '--format', 'json'];

    const { stdout } = await run(installedTool('attw'), args, { cwd: projectRoot });

    expect(JSON.parse(stdout)).toMatchObject({ analysis: { packageName: 'nestjs-oidc-auth' } });
  });

  it.each([
    ['of ES modules', 'dist', ['class-validator', 'validator']],
    [
      'in CommonJS',
      'dist/cjs',
      ['class-validator', 'jose', 'oauth4webapi', 'openid-client', 'validator'],
    ],
  ])('names in the build %s whose code is in it, with the licence', async (_, folder, names) => {
    const licences = await packedText(`package/${folder}/LICENSES.txt`);

    expect(
      [...licences.matchAll(/^([a-z0-9@/-]+) \d+\.\d+\.\d+$/gm)].map(([, name]) => name),
    ).toEqual(names);
    expect(licences.match(/Permission is hereby granted/g)).toHaveLength(names.length);
  });

  it('has an entry for browsers that needs no other file', async () => {
    const text = await packedText('package/dist/browser/index.js');

    expect(ts.preProcessFile(text, true, true).importedFiles).toEqual([]);
  });
});

describe('the lock file', () => {
  it('names no registry, so that every machine asks its own', async () => {
    const lock = await readFile(`${projectRoot}package-lock.json`, 'utf8');

    expect(lock.match(/"resolved": "http[^"]*"/g)).toBeNull();
  });
});
