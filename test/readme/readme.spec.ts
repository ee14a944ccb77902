import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { BlockCompiler } from './block-compiler.js';
import { codeBlocks } from './code-blocks.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const compiler = new BlockCompiler(root);

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${root}docs`).map((page) => `docs/${page}`),
  ...readdirSync(`${root}sample`).map((sample) => `sample/${sample}/README.md`),
].filter((document) => document.endsWith('.md') && existsSync(root + document));

const blocksOf = new Map(
  documents.map((document) => [
    document,
    codeBlocks(document, readFileSync(root + document, 'utf8')),
  ]),
);

const allBlocks = [...blocksOf.values()].flat();

describe('the TypeScript in the documents', () => {
  it('is there: the README shows code', () => {
    expect(blocksOf.get('README.md')).not.toHaveLength(0);
  });

  it('is there for each identity provider', () => {
    const rows = readFileSync(`${root}docs/providers.md`, 'utf8').match(/^\| \[/gm);

    expect(blocksOf.get('docs/providers.md')).toHaveLength(rows?.length ?? 0);
  });

  it.each(allBlocks)('compiles: $document, line $line', (block) => {
    expect(compiler.errorsOf(block, blocksOf.get(block.document))).toEqual([]);
  });
});

const markdown = (...blocks: readonly string[]): string =>
  ['# Title', ...blocks.map((code) => `\n\`\`\`ts\n${code}\n\`\`\``)].join('\n');

const errorsIn = (text: string): readonly string[] => {
  const blocks = codeBlocks('GUIDE.md', text);
  return blocks.flatMap((block) => compiler.errorsOf(block, blocks));
};

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
