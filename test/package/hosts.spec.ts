import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { HostApplication, moduleKinds } from './host-application.js';
import { installBeside } from './npm.js';
import { type CommandOutput, run } from './run-command.js';

/** The first release of Nest that `peerDependencies` allow, and the last one of each major. */
const nestReleases = ['11.0.0', '^11.0.0', '^12.0.0'];

/** Hosts run on the Node of this process, or on the binaries of a list of paths. */
const nodes = (process.env['OIDC_TEST_NODES'] ?? process.execPath)
  .split(delimiter)
  .map((path) => ({ path, version: String(execFileSync(path, ['--version'])).trim() }));

const withoutModules = '--no-experimental-require-module';

/** What each entry of the package exports at run time. */
const publicNames: Record<string, readonly string[]> = {
  '.': [
    'Auth',
    'AuthGuard',
    'Authenticator',
    'BrokerStore',
    'CallContexts',
    'Clock',
    'CurrentUser',
    'IdToken',
    'MemoryBrokerStore',
    'OAuthError',
    'OidcAuthModule',
    'OidcConfigError',
    'OidcEvents',
    'OidcService',
    'Public',
    'createAuthDecorator',
    'hashedId',
    'verifiedClaims',
  ],
  './browser': ['configure', 'fetch', 'login', 'logout', 'onChange', 'session', 'wantedLogin'],
  './express': [],
  './fastify': [],
  './testing': ['MockIdentity', 'TestClock', 'TestIssuer', 'brokerStoreContract', 'mockIdentity'],
};

describe.each(nestReleases)('installed beside Nest %s', (nest) => {
  let installed: string;
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ algorithms: ['RS256'] });
    installed = await mkdtemp(join(tmpdir(), 'oidc-host-'));
    await installBeside(nest, inject('tarball'), installed);
  });

  afterAll(async () => {
    await provider.close();
    await rm(installed, { recursive: true });
  });

  it('has the entries that are tested here', async () => {
    const manifest = join(installed, 'node_modules/nestjs-oidc-auth/package.json');

    const { exports }: { exports: object } = JSON.parse(await readFile(manifest, 'utf8'));

    const ofStores = ['./typeorm', './mongoose', './terminus']; // stores.spec.ts
    const ofContexts = ['./graphql', './microservices', './websockets']; // what they need is the host's
    const entries = [...Object.keys(publicNames), ...ofStores, ...ofContexts, './package.json'];
    expect(Object.keys(exports).toSorted()).toEqual(entries.toSorted());
  });

  it('brings no ORM and no driver along', async () => {
    const folders = await readdir(join(installed, 'node_modules'));

    const foreign = ['typeorm', 'mongoose', 'mongodb', 'pg', 'mysql2', 'better-sqlite3', 'graphql'];
    for (const name of foreign) {
      expect(folders).not.toContain(name);
    }
  });

  it('has a command', async () => {
    const command = join(installed, 'node_modules/.bin/nestjs-oidc-auth');

    expect((await run(command, ['keys'], { cwd: installed })).stdout).toMatch(/^[\w+/]{43}=\n$/);
    const doctor = await run(command, ['doctor', provider.discoveryUrl], { cwd: installed });
    expect(doctor.stdout).toContain('0 errors');
    expect(doctor.stderr).toBe('');
  });

  describe.each(moduleKinds)('a host of type %s', (kind) => {
    let host: HostApplication;

    beforeAll(() => {
      host = new HostApplication(installed, kind);
    });

    it('type-checks strictly, our declarations included, and widens the claims', async () => {
      await expect(host.compiled()).resolves.toContain(host.kind);
    });

    it.runIf(nest === '^12.0.0')('runs the contract of a store under node:test', async () => {
      const args = ['--test-reporter=tap', 'store-contract.js'];

      const { stdout } = await host.run(process.execPath, args);

      expect(stdout).toMatch(/^# tests 51$/m);
      expect(stdout).toMatch(/^# pass 51$/m);
    });

    // Nest 12 itself has no build for CommonJS.
    it.runIf(kind === 'commonjs' && !nest.startsWith('^12'))(
      'works on the build for CommonJS, where require() takes no ES modules',
      async () => {
        const runHere = (...args: string[]) =>
          host.run(process.execPath, [withoutModules, ...args], settingsFor(provider));

        const { stdout: path } = await runHere('-p', "require.resolve('nestjs-oidc-auth')");
        const smoke = await runHere('smoke.js');

        expect(path.trim()).toMatch(/nestjs-oidc-auth\/dist\/cjs\/index\.cjs$/);
        expectSmoke(smoke, provider);
      },
    );

    describe.each(nodes)('on Node $version', ({ path: node }) => {
      it.each(Object.entries(publicNames))(
        'finds the public names of entry %s',
        async (entry, names) => {
          const specifier = `nestjs-oidc-auth${entry.slice(1)}`;

          const { stdout, stderr } = await host.run(node, ['print-names.js', specifier]);

          expect(stderr).toBe('');
          expect(JSON.parse(stdout)).toEqual(names);
        },
      );

      it('has one copy of each class, whether imported or required', async () => {
        const { stdout } = await host.run(node, ['one-copy.js', ...Object.keys(publicNames)]);

        expect(JSON.parse(stdout)).toEqual([]);
      });

      it('is guarded, lets a valid token in and has our routes', async () => {
        expectSmoke(await host.run(node, ['smoke.js'], settingsFor(provider)), provider);
      });
    });
  });
});

function settingsFor(provider: MisbehavingProvider): Record<string, string> {
  return { DISCOVERY_URL: provider.discoveryUrl, ACCESS_TOKEN: provider.accessToken() };
}

/** What `hosts/smoke.ts` prints. */
function expectSmoke({ stdout, stderr }: CommandOutput, provider: MisbehavingProvider): void {
  const { sub } = provider.behaviour.user;
  expect(stderr).toBe('');
  const [answers = ''] = stdout.trim().split('\n').slice(-1); // behind what the log says of refusals
  expect(JSON.parse(answers)).toEqual({
    anonymous: {
      status: 401,
      challenge: expect.stringMatching(/^Bearer(?!.*error=)/),
      body: expect.objectContaining({ statusCode: 401, error: 'invalid_token' }),
    },
    user: { status: 200, challenge: null, body: { sub } },
    service: { status: 200, challenge: null, body: { sub } },
    login: {
      status: 400,
      challenge: null,
      body: expect.objectContaining({ statusCode: 400, error: 'invalid_request' }),
    },
    mounted: 302,
    keys: 1,
    mistake: 'OidcConfigError',
    missing: expect.stringMatching(/^OidcConfigError: .*npm install typeorm pg$/),
  });
}
