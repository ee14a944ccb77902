import { beforeAll, describe, expect, it } from 'vitest';

import { BlockCompiler } from './block-compiler.js';
import { codeBlocks } from './code-blocks.js';
import { blocksOf, documents, pages, root } from './documents.js';

const compiler = new BlockCompiler(root);

/** The files of docs/testing.md are compiled and run in new projects, by the package test. */
const compiledHere = documents
  .flatMap(blocksOf)
  .filter(({ document, file }) => document !== 'docs/testing.md' || file === undefined);

describe('the TypeScript in the documents', () => {
  let errors: readonly string[];

  beforeAll(() => {
    errors = compiler.errorsOf(compiledHere);
  }, 300_000);

  it('is there: the README shows code', () => {
    expect(blocksOf('README.md')).not.toHaveLength(0);
  });

  it.each(pages.filter((page) => /^docs\/providers\/(?!index|linkedin)/.test(page)))(
    'is there for each identity provider: %s',
    (page) => {
      expect(blocksOf(page)).not.toHaveLength(0);
    },
  );

  it.each(pages.filter((page) => page.startsWith('docs/migration/')))(
    'is there before and after a migration: %s',
    (page) => {
      const kinds = blocksOf(page).map(({ before }) => before === true);

      expect(kinds).toContain(false);
      expect(kinds.includes(true) || page.endsWith('py-oidc-auth.md')).toBe(true);
    },
  );

  it.each(documents.filter((document) => blocksOf(document).length > 0))(
    'compiles: %s',
    (document) => {
      expect(errors.filter((error) => error.startsWith(`${document}:`))).toEqual([]);
    },
  );
});

const markdown = (...blocks: readonly string[]): string =>
  ['# Title', ...blocks.map((code) => `\n\`\`\`ts\n${code}\n\`\`\``)].join('\n');

const errorsIn = (text: string): readonly string[] =>
  compiler.errorsOf(codeBlocks('GUIDE.md', text));

describe('the check of documents', () => {
  it('reports the line of the document where a type is wrong', () => {
    const text = markdown("const first = 'fine';\nexport const second: number = first;");

    expect(errorsIn(text)).toEqual([expect.stringMatching(/^GUIDE\.md:5 TS2322: .*'number'/)]);
  });

  it('reports what this module does not export, and options it does not have', () => {
    const text = markdown(
      "import { NoSuchName } from 'nestjs-oidc-auth';\nexport { NoSuchName };",
      "import { Auth } from 'nestjs-oidc-auth';\nexport const rule = Auth({ groups: ['staff'] });",
    );

    expect(errorsIn(text)).toEqual([
      expect.stringMatching(/^GUIDE\.md:4 TS2305: .*NoSuchName/),
      expect.stringMatching(/^GUIDE\.md:10 TS2353: .*groups/),
    ]);
  });

  it('reports what is not TypeScript at all', () => {
    expect(errorsIn(markdown('const = 1;'))).toContainEqual(
      expect.stringMatching(/^GUIDE\.md:4 TS1134: /),
    );
  });

  it('looks at the grammar alone of what shows another library', () => {
    const other = "import { nothing } from 'no-such-package';\nexport const x: number = nothing;";
    const text = markdown(other, 'const = 1;').replaceAll('```ts', '```ts before');

    expect(codeBlocks('GUIDE.md', text).map(({ before }) => before)).toEqual([true, true]);
    expect(new Set(errorsIn(text).map((error) => error.split(':')[1]))).toEqual(
      new Set(['9 TS1134']),
    );
  });

  it('keeps what one block declares away from the next', () => {
    const text = markdown(
      "import 'nestjs-oidc-auth';\n\ndeclare module 'nestjs-oidc-auth' {\n  interface IdTokenClaims {\n    readonly shoe_size?: number;\n  }\n}",
      "import type { IdTokenClaims } from 'nestjs-oidc-auth';\n\nexport const size = (claims: IdTokenClaims): number => claims.shoe_size ?? 0;",
    );

    expect(errorsIn(text)).toEqual([expect.stringMatching(/^GUIDE\.md:16 TS2322: /)]);
  });

  it('lets a block import another that names its file', () => {
    const text = markdown(
      '// src/settings.ts\nexport const port = 3000;',
      "// src/main.ts\nimport { port } from './settings.js';\n\nexport const url: string = `http://localhost:${port}`;",
      "import { missing } from './src/settings.js';\nexport { missing };",
    );

    expect(errorsIn(text)).toEqual([expect.stringMatching(/^GUIDE\.md:16 TS2305: .*missing/)]);
  });

  it('finds indented and tilde fences, and reads no other language', () => {
    const text =
      '- item\n\n  ~~~ts\n  export {};\n  ~~~\n\n```sh\nnpm ci\n```\n\n```tsx\n<a/>\n```\n';

    expect(codeBlocks('GUIDE.md', text)).toEqual([
      { document: 'GUIDE.md', line: 4, code: 'export {};' },
    ]);
  });

  it('refuses a fence that is never closed', () => {
    expect(() => codeBlocks('GUIDE.md', 'text\n```ts\nexport {};\n')).toThrow(
      'GUIDE.md:2: the fence is never closed',
    );
  });
});
