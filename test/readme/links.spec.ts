import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { pagesOf } from '../../scripts/docs/contents.js';
import { githubSlug } from '../../scripts/docs/github-slug.js';
import { documents, pages, root, textOf } from './documents.js';
import { anchorsOf, deadLinks, linksOf } from './links.js';

function read(path: string): string | undefined {
  const file = join(root, path);
  if (!existsSync(file)) return undefined;
  return statSync(file).isDirectory() ? '' : readFileSync(file, 'utf8');
}

/** What is packed, beside what is built. */
function isPacked(path: string): boolean {
  return /^(?:README|CHANGELOG|LICENSE)|^docs\/(?:.*\.md|grafana-dashboard\.json)$/.test(path);
}

describe('the links of the documents', () => {
  it('lead to files and headings that are there', () => {
    expect(deadLinks(documents, read)).toEqual([]);
  });

  it('of what is packed lead to what is packed', () => {
    const packed = documents.filter(isPacked);

    expect(packed).toContain('docs/options.md');
    expect(deadLinks(packed, (path) => (isPacked(path) ? read(path) : undefined))).toEqual([]);
  });

  it('would be found dead', () => {
    const files: Record<string, string> = {
      'a.md': '# A\n[b](docs/b.md#two) [c](c.md) [d](docs/b.md#three) `[e](e.md)` [here](#a)\n',
      'docs/b.md':
        '## One\n## Two\n```md\n## Three\n[f](f.md)\n```\n<a id="four"></a>[up](../a.md#a)\n',
    };

    expect(deadLinks(Object.keys(files), (path) => files[path])).toEqual([
      'a.md → c.md',
      'a.md → docs/b.md#three',
    ]);
    expect(linksOf('[x](https://example.org) [y](mailto:a@example.org)')).toEqual([]);
    expect([...anchorsOf('# `broker.audience`\n# Twice\n# Twice')]).toEqual([
      'brokeraudience',
      'twice',
      'twice-1',
    ]);
    expect(githubSlug('More than one provider, application or store')).toBe(
      'more-than-one-provider-application-or-store',
    );
  });
});

describe('the list of pages', () => {
  it('names each page once, and no other', () => {
    const listed = pagesOf(textOf('docs/index.md')).map(({ file }) => `docs/${file}`);

    expect(listed.toSorted()).toEqual(pages.filter((page) => page !== 'docs/index.md'));
  });

  it('is an llms.txt: a title, a summary, lists of links under headings', () => {
    expect(textOf('docs/index.md')).toMatch(
      /^# .+\n\n> .+\n\n(?:## .+\n\n(?:- \[.+\]\(.+\.md\)(?:: .+)?\n)+\n?)+$/,
    );
  });

  it('has each page in the README or one page away from it', () => {
    const first = linksOf(textOf('README.md')).map((target) => target.split('#')[0] ?? '');
    const second = linksOf(textOf('docs/providers/index.md')).map(
      (t) => `docs/providers/${t.split('#')[0]}`,
    );

    const reached = new Set([...first, ...second, 'docs/index.md']);
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });
});

describe('the README', () => {
  it('is an introduction: what is longer has a page', () => {
    expect(textOf('README.md').split('\n').length).toBeLessThanOrEqual(130);
  });
});

describe('the API reference', () => {
  it('has every entry of the package that exports more than types', () => {
    const paths: Record<string, readonly string[]> = Object(
      Object(JSON.parse(textOf('tsconfig.json')))['compilerOptions'],
    )['paths'];
    const entries = Object.entries(paths).filter(([name]) =>
      /^nestjs-(?!.*\/(?:express|fastify)$)/.test(name),
    );

    const { entryPoints }: { entryPoints: string[] } = JSON.parse(textOf('typedoc.json'));
    expect(entryPoints.toSorted()).toEqual(
      entries.map(([, [file = '']]) => file.replace('./', '')).toSorted(),
    );
  });
});
