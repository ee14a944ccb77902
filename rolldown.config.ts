import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type OutputBundle,
  type OutputOptions,
  type Plugin,
  type RolldownOptions,
  defineConfig,
} from 'rolldown';

// What is published is made here of what tsc emitted to `build/`, so that decorators are lowered once: ES modules, and besides a build in
// CommonJS for test runners whose `require()` takes no ES modules, Jest above all. All entries of a build are bundled at once, so that a
// class that two of them use is in a part that both load. Few files and little code are what starting costs (docs/performance.md).

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Conditions>>;
}

interface Conditions {
  readonly require: { readonly default: string };
  readonly default: { readonly default: string };
}

const { bin, exports }: Manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const entries = Object.values(exports).filter((entry) => typeof entry !== 'string');

/** What tsc made of the module that is published as `./dist/….js`. */
const emitted = (path: string): string => path.replace('./dist/', './build/');

/** What is in both builds: nine functions of class-validator, which as a dependency would bring 21 MB of validators that nobody calls here. */
const bundled = ['class-validator', 'validator'];

/** Dependencies that `require()` cannot have without Node's own loader; in CommonJS they and what they need are bundled too. */
const esmOnly = ['jose', 'oauth4webapi', 'openid-client'];

/** The types are those of the ES modules, once: a class of the one build is to be the class of the other for TypeScript. */
const declarations: Plugin = {
  name: 'declarations',
  generateBundle() {
    for (const { require, default: module } of entries) {
      const fileName = basename(require.default).replace(/cjs$/, 'd.cts');
      const path = module.default.replace('./dist/', '../');
      this.emitFile({ type: 'asset', fileName, source: `export * from '${path}';\n` });
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
      const licence = readdirSync(folder).find((file) => /^licen[cs]e(?:\.md)?$/i.test(file));
      if (licence === undefined) throw new Error(`${folder} has no licence`);
      return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8')}`;
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

/**
 * class-validator keeps the rules of all classes in a property of the global object, which every copy in the process shares, of whatever
 * version. Ours has a place of its own: neither does a host's version read our rules, nor ours the host's.
 */
const ownRules: Plugin = {
  name: 'own-rules',
  load(id) {
    if (!id.endsWith('/class-validator/esm2015/utils/get-global.util.js')) return null;
    return 'const place = {};\nexport const getGlobal = () => place;\n';
  },
};

/**
 * V8 keeps the text of what it has loaded, and takes two bytes for each character as soon as one of them is outside Latin-1: a few ellipses in
 * messages doubled what a whole file takes.
 */
const oneByteSource: Plugin = {
  name: 'one-byte-source',
  generateBundle(_, bundle) {
    for (const part of Object.values(bundle)) {
      if (part.type !== 'chunk') continue;
      part.code = part.code.replace(
        /[^\0-\xff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

/** Modules that are loaded whenever the package is, but for those that the entries of the stores need, which get along without Nest. */
const atStart = new Set<string>();

/** Looks for them before anything is put into parts. */
const findAtStart: Plugin = {
  name: 'find-at-start',
  buildEnd() {
    const all = [...this.getModuleIds()];
    const reachedFrom = (entry: RegExp) => {
      const reached = new Set<string>();
      const found = all.filter((id) => entry.test(id));
      for (let id = found.pop(); id !== undefined; id = found.pop()) {
        if (reached.has(id)) continue;
        reached.add(id);
        found.push(...(this.getModuleInfo(id)?.importedIds ?? []));
      }
      return reached;
    };
    const ofStores = reachedFrom(/\/build\/store\/\w+\/index\.js$/);
    for (const id of reachedFrom(/\/build\/index\.js$/)) if (!ofStores.has(id)) atStart.add(id);
  },
};

const external = (inside: readonly string[]) => (id: string) =>
  !/^[./]/.test(id) && !inside.some((name) => id === name || id.startsWith(`${name}/`));

const shared = {
  platform: 'node',
  resolve: { mainFields: ['es2015', 'module', 'main'] }, // class-validator as ES modules, of which most falls away
  external: external(bundled),
} satisfies RolldownOptions;

/** `{ 'store/typeorm/index': './build/store/typeorm/index.js', … }` */
const inputs = (paths: readonly string[]) =>
  Object.fromEntries(paths.map((path) => [path.replace(/^\.\/dist\/|\.js$/g, ''), emitted(path)]));

const modules = {
  dir: 'dist',
  format: 'esm',
  comments: false,
  entryFileNames: '[name].js',
  chunkFileNames: 'parts/[hash].js',
} satisfies OutputOptions;

const forBrowsers = './dist/browser/index.js';
const paths = [...entries.map((entry) => entry.default.default), ...Object.values(bin)];

export default defineConfig([
  { ...shared, input: inputs([forBrowsers]), output: modules }, // one file, with nothing beside it
  {
    ...shared,
    input: inputs(paths.filter((path) => path !== forBrowsers)),
    plugins: [ownRules, findAtStart, oneByteSource, licences],
    output: {
      ...modules,
      keepNames: true,
      // Else there is a part for each set of entries that share something, twenty in all, and Node allocates 70 KB to find and open one.
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [{ name: 'start', test: (id) => atStart.has(id), minShareCount: 2 }],
      },
    },
  },
  {
    ...shared,
    input: Object.fromEntries(
      entries.map((entry) => [
        basename(entry.require.default, '.cjs'),
        emitted(entry.default.default),
      ]),
    ),
    external: external([...bundled, ...esmOnly]),
    plugins: [ownRules, oneByteSource, declarations, licences],
    output: {
      dir: 'dist/cjs',
      format: 'cjs',
      exports: 'named',
      comments: false,
      keepNames: true,
      entryFileNames: '[name].cjs',
      chunkFileNames: 'parts/[hash].cjs',
    },
  },
]);
