import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const entries = { '': 'index', '/typeorm': 'store/typeorm/index', '/testing': 'testing/index' };

/** The code of a block, with this package's entries where they lie in the tree. */
export function withEntries(code: string): string {
  return Object.entries(entries).reduce(
    (text, [entry, file]) =>
      text.replaceAll(`from 'nestjs-oidc-auth${entry}'`, `from '../../lib/${file}.js'`),
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
