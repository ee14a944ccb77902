import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type OutputBundle, type Plugin, defineConfig } from 'rolldown';

// The build in CommonJS, for test runners whose `require()` takes no ES modules: Jest above all. It is made of what tsc
// emitted, so that decorators are lowered once. What is ESM-only of our dependencies is in it; all else is the host's own copy.

interface Manifest {
  readonly exports: Readonly<Record<string, string | Conditions>>;
}

interface Conditions {
  readonly require?: { readonly default: string };
  readonly default: { readonly default: string };
}

const { exports }: Manifest = JSON.parse(readFileSync('package.json', 'utf8'));

/** Dependencies that `require()` cannot have without Node's own loader; they and what they need are bundled. */
const esmOnly = ['jose', 'oauth4webapi', 'openid-client'];

/** `{ index: './dist/index.js', testing: './dist/testing/index.js', … }`: what has the condition `require`. */
const entries = Object.fromEntries(
  Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' || entry.require === undefined
      ? []
      : [[basename(entry.require.default, '.cjs'), entry.default.default]],
  ),
);

/** The types are those of the ES modules, once: a class of the one build is to be the class of the other for TypeScript. */
const declarations: Plugin = {
  name: 'declarations',
  generateBundle() {
    for (const [name, path] of Object.entries(entries)) {
      const source = `export * from '${path.replace('./dist/', '../')}';\n`;
      this.emitFile({ type: 'asset', fileName: `${name}.d.cts`, source });
    }
  },
};

/** What the licences of the bundled packages ask for. */
const licences: Plugin = {
  name: 'licences',
  generateBundle(_, bundle) {
    const source = packagesIn(bundle).map((name) => {
      const folder = join('node_modules', name);
      const { version }: { version: string } = JSON.parse(
        readFileSync(join(folder, 'package.json'), 'utf8'),
      );
      return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE.md'), 'utf8')}`;
    });
    this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: source.join('\n---\n\n') });
  },
};

function packagesIn(bundle: OutputBundle): string[] {
  const modules = Object.values(bundle).flatMap((part) =>
    part.type === 'chunk' ? part.moduleIds : [],
  );
  const names = modules.flatMap((id) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? []);
  return [...new Set(names)].toSorted();
}

export default defineConfig({
  input: entries,
  platform: 'node',
  external: (id) =>
    !/^[./]/.test(id) && !esmOnly.some((name) => id === name || id.startsWith(`${name}/`)),
  plugins: [declarations, licences],
  output: {
    dir: 'dist/cjs',
    format: 'cjs',
    exports: 'named',
    comments: false,
    keepNames: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'parts/[hash].cjs',
  },
});
