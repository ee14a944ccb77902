import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type CodeBlock, codeBlocks } from './code-blocks.js';

export const root = fileURLToPath(new URL('../../', import.meta.url));

function markdownBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !/(?:^|\/)(?:node_modules|dist|public)\//.test(path))
    .map((path) => `${folder}/${path}`)
    .toSorted();
}

/** The pages of the site, `docs/index.md` among them. */
export const pages: readonly string[] = markdownBelow('docs');

/** Every document that people read. */
export const documents: readonly string[] = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...markdownBelow('sample'),
  ...pages,
];

export function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8');
}

export function blocksOf(document: string): readonly CodeBlock[] {
  return codeBlocks(document, textOf(document));
}
