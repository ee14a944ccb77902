import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { madePages } from './made-parts.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Writes what pages say of options and events anew, from the code. */
export async function main(): Promise<void> {
  for (const { page, written, made } of await madePages(root)) {
    if (made === written) continue;
    writeFileSync(join(root, page), made);
    process.stdout.write(`${page} was written anew\n`);
  }
}
