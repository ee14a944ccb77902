import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './documents.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** Where each entry of the package lies in the tree: by what the compiler is told. */
const entries = [
  ...readFileSync(join(root, 'tsconfig.json'), 'utf8').matchAll(
    /"(nestjs-oidc-auth[^"]*)": \["\.\/([^"]+)\.ts"\]/g,
  ),
];

/** The code of a block, with this package's entries where they lie in the tree. */
export function withEntries(code: string): string {
  return entries.reduce(
    (text, [, name, file = '']) =>
      text.replaceAll(
        new RegExp(`^(import|.* from) '${name}'`, 'gm'),
        `$1 '${join(root, file)}.js'`,
      ),
    code,
  );
}

/** Runs a block as a module of its own, with the decorators of this project's settings. */
export async function runBlock<Exports>(code: string): Promise<Exports> {
  const name = `example-${process.pid}-${Math.random().toString(36).slice(2)}.ts`;
  const file = join(folder, name);
  try {
    await writeFile(file, code);
    const ran: Exports = await import(/* @vite-ignore */ file);
    return ran;
  } finally {
    await rm(file, { force: true });
  }
}
