import { createRequire } from 'node:module';
import { join } from 'node:path';

// Prints the names of what is another object when it is imported than when it is required.

const load = createRequire(join(process.cwd(), 'one-copy.js'));
// Compiled to CommonJS, `import()` stays as it is under `module` node20.
const [, , ...entries] = process.argv;

async function differing(entry: string): Promise<string[]> {
  const specifier = `nestjs-oidc-auth${entry.slice(1)}`;
  const imported: object = await import(specifier);
  const required: object = load(specifier);
  return Object.keys(imported)
    .filter((name) => Reflect.get(imported, name) !== Reflect.get(required, name))
    .map((name) => `${entry} ${name}`);
}

void Promise.all(entries.map(differing)).then((names) => console.log(JSON.stringify(names.flat())));
