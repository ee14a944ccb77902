import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { HostApplication } from './host-application.js';
import { installBeside } from './npm.js';

const releases = [
  { nest: '^11.0.0', graphql: '^13.0.0', kind: 'commonjs' },
  { nest: '^12.0.0', graphql: '^14.0.0', kind: 'module' },
] as const;

/** What only the host's own code may load. */
const CONTEXTS =
  /\/node_modules\/(@nestjs\/(graphql|apollo|websockets|microservices|platform-socket\.io)|@apollo|graphql|socket\.io)\//;

/** Writes the address of each ES module that is loaded to the file `LOADED`. */
const RECORDER = `
  import { appendFileSync } from 'node:fs';
  export async function load(url, context, next) {
    appendFileSync(process.env.LOADED, url + '\\n');
    return next(url, context);
  }`;

const dataUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/** Behind what the log says. */
const lastLineOf = (output: string): string => output.trim().split('\n').at(-1) ?? '';

const refused = { statusCode: 401, error: 'invalid_token' };

describe.each(releases)('the entries for contexts beside Nest $nest', ({ nest, graphql, kind }) => {
  let installed: string;
  let host: HostApplication;

  beforeAll(async () => {
    installed = await mkdtemp(join(tmpdir(), 'oidc-contexts-'));
    const others = ['websockets', 'microservices', 'platform-socket.io'];
    await installBeside(nest, inject('tarball'), installed, [
      ...others.map((name) => `@nestjs/${name}@${nest}`),
      ...['graphql', 'apollo'].map((name) => `@nestjs/${name}@${graphql}`),
      '@apollo/server@^5',
      '@as-integrations/express5@^1',
      'graphql@^16',
      'socket.io-client@^4',
    ]);
    host = new HostApplication(installed, kind, 'context-hosts');
  });

  afterAll(() => rm(installed, { recursive: true }));

  // Nest 12 itself has no build for CommonJS.
  const builds = kind === 'commonjs' ? [[], ['--no-experimental-require-module']] : [[]];

  it.each(
    builds.map((flags) => ({ flags, build: flags.length > 0 ? 'in CommonJS' : 'of ES modules' })),
  )(
    'guard resolvers, gateways and message handlers by the guard of the whole application, in the build $build',
    async ({ flags }) => {
      const { stdout, stderr } = await host.run(process.execPath, [...flags, 'contexts.js']);

      expect(stderr).toBe('');
      expect(JSON.parse(lastLineOf(stdout))).toEqual({
        graphql: [
          { me: 'alice' },
          expect.objectContaining({
            code: 'UNAUTHENTICATED',
            oauth: expect.objectContaining(refused),
          }),
        ],
        websockets: [
          'alice', // the claims are there, so the guard was: Nest 11 itself leaves gateways out
          expect.objectContaining({ statusCode: 403, error: 'insufficient_scope' }),
          expect.objectContaining(refused),
        ],
        microservices: ['alice', expect.objectContaining(refused)],
        withoutEntry: expect.stringMatching(
          /^OidcConfigError: .*MeGateway.*nestjs-oidc-auth\/websockets/,
        ),
      });
    },
  );

  it('are not loaded, nor what they need, by an application that uses none of them', async () => {
    const [without, loaded] = [await loadedBy(host, 'without'), await loadedBy(host, 'with')];

    expect(loaded.some((path) => path.includes('/nestjs-oidc-auth/dist/'))).toBe(true);
    const ofContexts = loaded.filter((path) => CONTEXTS.test(path));
    expect(ofContexts.filter((path) => !without.includes(path))).toEqual([]); // Nest itself loads some of its own
    expect(
      loaded.filter((path) =>
        /nestjs-oidc-auth\/dist\/(graphql|websockets|microservices)\//.test(path),
      ),
    ).toEqual([]);
  });
});

/** The files that `unused.js` loads. */
async function loadedBy(host: HostApplication, what: 'with' | 'without'): Promise<string[]> {
  const file = join(await host.compiled(), `loaded-${what}`);
  await writeFile(file, '');
  const register = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(RECORDER))});`;
  const args = ['--import', dataUrl(register), 'unused.js', what];
  const { stdout } = await host.run(process.execPath, args, { LOADED: file });
  const modules = (await readFile(file, 'utf8')).split('\n');
  return [...modules, ...JSON.parse(lastLineOf(stdout))];
}
