// Takes away the declarations that no built module leads to: nobody can import them, and editors offer less to search in. The last step of a build.
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import ts from 'typescript';

const files = readdirSync('dist', { recursive: true, encoding: 'utf8' }).map((file) =>
  join('dist', file),
);
const declarations = files.filter((file) => /\.d\.c?ts$/.test(file));
const reached = new Set();

function reach(file) {
  if (reached.has(file)) return;
  reached.add(file);
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
  for (const { fileName } of importedFiles) {
    if (fileName.startsWith('.')) reach(join(dirname(file), fileName.replace(/js$/, 'd.ts')));
  }
}

for (const file of files.filter((one) => /\.c?js$/.test(one))) {
  const declaration = file.replace(/(c?)js$/, 'd.$1ts');
  if (existsSync(declaration)) reach(declaration);
}
for (const file of declarations) if (!reached.has(file)) rmSync(file);
