import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { released, sectionOf } from './changelog.js';
import { PLACEHOLDER, unfilledFields, unfilledTexts } from './placeholders.js';
import { nextVersion } from './version.js';

const TEXTS = ['SECURITY.md', 'CODE_OF_CONDUCT.md', '.github/ISSUE_TEMPLATE/config.yml'];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

/** Runs a program in the project's folder, and shows what it says. */
function run(program: string, ...args: string[]): void {
  say(`$ ${[program, ...args].join(' ')}`);
  execFileSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function answer(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).trim();
}

function manifest(): Manifest {
  return JSON.parse(readFileSync('package.json', 'utf8'));
}

/** @throws Error that says what the owner has not filled in yet. */
function checkFilledIn(): void {
  const texts = Object.fromEntries(TEXTS.map((file) => [file, readFileSync(file, 'utf8')]));
  const fields = unfilledFields(manifest()).map((field) => `"${field}" in package.json`);
  const unfilled = [...fields, ...unfilledTexts(texts)];
  if (unfilled.length === 0) return;
  throw new Error(`Fill these in first (${PLACEHOLDER} marks the places): ${unfilled.join(', ')}`);
}

/** @throws Error unless everything is committed, on `main`, and the tag is new. */
function checkRepository(tag: string): void {
  const branch = answer('git', 'branch', '--show-current');
  if (branch !== 'main') throw new Error(`Releases are made on "main", and this is "${branch}"`);
  const changes = answer('git', 'status', '--porcelain');
  if (changes !== '') throw new Error(`Commit or put away first:\n${changes}`);
  if (answer('git', 'tag', '--list', tag) !== '')
    throw new Error(`The tag ${tag} is there already`);
}

/** What is in the build itself, of which npm knows nothing: the file of its licences names it. */
function bundledComponents(): object[] {
  const licences = readFileSync('dist/LICENSES.txt', 'utf8');
  return [...licences.matchAll(/^([a-z0-9@/-]+) (\d+\.\d+\.\d+)$/gm)].map(([, name, version]) => ({
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name}@${version}`,
  }));
}

/**
 * CycloneDX, of what installing the package brings, bundled or beside it: neither what it is developed with, nor what the host has
 * already.
 */
function billOfMaterials(): string {
  const { name, version, description, license, dependencies } = manifest();
  const folder = mkdtempSync(join(tmpdir(), 'oidc-bill-'));
  try {
    const installed = JSON.stringify({ name, version, description, license, dependencies });
    writeFileSync(join(folder, 'package.json'), installed);
    const quiet = ['--prefix', folder, '--package-lock-only', '--no-audit', '--no-fund'];
    answer('npm', 'install', ...quiet);
    const bill: { components: object[] } = JSON.parse(
      answer('npm', 'sbom', '--sbom-format', 'cyclonedx', ...quiet),
    );
    bill.components.push(...bundledComponents());
    return JSON.stringify(bill, null, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The tarball, its bill of materials, and what to say of it: all checked. */
function makeFiles(folder: string): void {
  const { name, version } = manifest();
  mkdirSync(folder, { recursive: true });
  run('npm', 'pack', '--pack-destination', folder);
  const tarball = readdirSync(folder).find((file) => file.endsWith(`-${version}.tgz`));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
  run('npx', 'publint', 'run', join(folder, tarball), '--strict');
  run('npx', 'attw', join(folder, tarball), '--profile', 'esm-only');
  writeFileSync(join(folder, `${name}-${version}.cdx.json`), `${billOfMaterials()}\n`);
  const notes = sectionOf(readFileSync('CHANGELOG.md', 'utf8'), `${version} `) ?? '';
  writeFileSync(join(folder, 'notes.md'), `${notes}\n`);
}

/** Shows what a release would be, and leaves everything as it is. */
function rehearse(version: string, changelog: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'oidc-release-'));
  try {
    makeFiles(folder);
    say(`\nWould be written to CHANGELOG.md:\n\n${sectionOf(changelog, `${version} `) ?? ''}`);
    say(`\nWould be committed and tagged: v${version}. Nothing was changed.`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function release(version: string, changelog: string): void {
  writeFileSync('CHANGELOG.md', changelog);
  run('npm', 'version', version, '--no-git-tag-version', '--no-workspaces-update');
  makeFiles('release');
  run('npm', 'run', 'test:package');
  run('git', 'add', 'CHANGELOG.md', 'package.json', 'package-lock.json');
  run('git', 'commit', '--message', `release: ${version}`);
  run('git', 'tag', '--annotate', `v${version}`, '--message', `v${version}`);
  say(
    `\nv${version} is made here. \`git push --follow-tags\` has it tested and published, with provenance, by .github/workflows/publish.yml`,
  );
}

/**
 * `npm run release -- minor`, with `--dry-run` to see what it would do; `npm run release -- files` makes the files of the version
 * that is there, as the workflow does that publishes.
 */
export function main(args: readonly string[]): void {
  const [wish = '', ...more] = args.filter((arg) => arg !== '--dry-run');
  if (more.length > 0) throw new Error(`Not understood: ${more.join(' ')}`);
  checkFilledIn();
  if (wish === 'files') {
    makeFiles('release');
    return;
  }
  const version = nextVersion(manifest().version, wish);
  const day = new Date().toISOString().slice(0, 10);
  const changelog = released(readFileSync('CHANGELOG.md', 'utf8'), version, day);
  checkRepository(`v${version}`);
  if (args.includes('--dry-run')) rehearse(version, changelog);
  else release(version, changelog);
}
