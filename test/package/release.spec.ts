import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { projectRoot } from './project-root.js';

/** A clone of the project, as its owner has it; nothing leaves it. */
class Clone {
  readonly folder = mkdtempSync(join(tmpdir(), 'oidc-release-test-'));

  constructor() {
    execFileSync('git', ['clone', '--quiet', projectRoot, this.folder], { stdio: 'pipe' });
    symlinkSync(join(projectRoot, 'node_modules'), join(this.folder, 'node_modules'));
    writeFileSync(join(this.folder, '.git/info/exclude'), 'node_modules\n');
    this.git('checkout', '--quiet', '-B', 'main');
    this.git('config', 'user.name', 'Owner');
    this.git('config', 'user.email', 'owner@example.org');
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  change(file: string, change: (text: string) => string): void {
    writeFileSync(join(this.folder, file), change(this.read(file)));
  }

  /** What the owner does once. The package test, which would run this one, is a line that says so. */
  fillIn(): void {
    const files = [
      'package.json',
      'SECURITY.md',
      'CODE_OF_CONDUCT.md',
      '.github/ISSUE_TEMPLATE/config.yml',
    ];
    for (const file of files) this.change(file, (text) => text.replaceAll('OWNER', 'somebody'));
    this.change('package.json', (text) =>
      text.replace(/"test:package": "[^"]*"/, '"test:package": "echo the package was tested"'),
    );
    this.git('commit', '--quiet', '--all', '--message', 'filled in');
  }

  release(...args: string[]): { readonly status: number; readonly output: string } {
    try {
      const output = execFileSync('npm', ['run', 'release', '--', ...args], {
        cwd: this.folder,
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return { status: 0, output };
    } catch (error) {
      const { status, stdout, stderr } = Object(error);
      return { status: Number(status), output: `${stdout}${stderr}` };
    }
  }
}

describe('a release', () => {
  let clone: Clone;

  beforeEach(() => {
    clone = new Clone();
  });

  afterEach(() => rmSync(clone.folder, { recursive: true, force: true }));

  it('is refused while the owner is a placeholder', () => {
    const { status, output } = clone.release('minor', '--dry-run');

    expect(status).toBe(1);
    for (const name of [
      'repository',
      'homepage',
      'bugs',
      'author',
      'funding',
      'SECURITY.md',
      'CODE_OF_CONDUCT.md',
    ]) {
      expect(output).toContain(name);
    }
  });

  it('is refused with changes that are not committed, on another branch, and for a tag that is there', () => {
    clone.fillIn();

    clone.change('README.md', (text) => `${text}\nmore\n`);
    expect(clone.release('minor')).toMatchObject({
      status: 1,
      output: expect.stringContaining('README.md'),
    });
    clone.git('checkout', '--quiet', 'README.md');

    clone.git('checkout', '--quiet', '-b', 'other');
    expect(clone.release('minor')).toMatchObject({
      status: 1,
      output: expect.stringContaining('"other"'),
    });
    clone.git('checkout', '--quiet', 'main');

    clone.git('tag', 'v0.2.0');
    expect(clone.release('minor')).toMatchObject({
      status: 1,
      output: expect.stringContaining('v0.2.0'),
    });
    expect(clone.release('enormous')).toMatchObject({
      status: 1,
      output: expect.stringContaining('"enormous"'),
    });
    expect(clone.git('status', '--porcelain')).toBe('');
  });

  it('can be rehearsed: everything is checked, and nothing changed', () => {
    clone.fillIn();
    const before = clone.git('rev-parse', 'HEAD');

    const { status, output } = clone.release('minor', '--dry-run');

    expect(output).toContain('All good!');
    expect(output).toContain('v0.2.0');
    expect(output).toContain('First version');
    expect(status).toBe(0);
    expect(clone.git('rev-parse', 'HEAD')).toBe(before);
    expect(clone.git('status', '--porcelain')).toBe('');
    expect(clone.git('tag', '--list')).toBe('');
    expect(existsSync(join(clone.folder, 'release'))).toBe(false);
  });

  it('is a commit and a tag, with the tarball, its bill of materials and its notes beside them', () => {
    clone.fillIn();

    const { status, output } = clone.release('minor');

    expect(output).toContain('the package was tested');
    expect(status, output).toBe(0);
    expect(clone.git('tag', '--list')).toBe('v0.2.0');
    expect(clone.git('log', '-1', '--format=%s', 'v0.2.0')).toBe('release: 0.2.0');
    expect(clone.git('show', '--name-only', '--format=', 'HEAD').split('\n').toSorted()).toEqual([
      'CHANGELOG.md',
      'package-lock.json',
      'package.json',
    ]);
    expect(clone.git('status', '--porcelain')).toBe('');
    expect(JSON.parse(clone.read('package-lock.json'))).toMatchObject({ version: '0.2.0' });
    expect(clone.read('CHANGELOG.md')).toMatch(
      /## Unreleased\n\n## 0\.2\.0 \(\d{4}-\d\d-\d\d\)\n\nFirst version/,
    );

    expect(existsSync(join(clone.folder, 'release/nestjs-oidc-auth-0.2.0.tgz'))).toBe(true);
    expect(clone.read('release/notes.md')).toMatch(/^First version/);
    const bill: { components: { name: string }[] } & Record<string, unknown> = JSON.parse(
      clone.read('release/nestjs-oidc-auth-0.2.0.cdx.json'),
    );
    expect(bill).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { version: '0.2.0' } },
    });
    const names = bill.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['jose', 'openid-client', 'class-validator']));
    expect(names).not.toContain('vitest');
    expect(names).not.toContain('libphonenumber-js'); // class-validator's, and not in the build
  });

  it('is not made twice of the same changes', () => {
    clone.fillIn();
    clone.change('CHANGELOG.md', (text) =>
      text.replace('## Unreleased', '## Unreleased\n\n## 0.1.0 (2026-01-01)'),
    );
    clone.git('commit', '--quiet', '--all', '--message', 'nothing is unreleased');

    expect(clone.release('patch')).toMatchObject({
      status: 1,
      output: expect.stringContaining('says nothing under "## Unreleased"'),
    });
  });
});
