import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { HostApplication, moduleKinds } from './host-application.js';
import { installBeside } from './npm.js';

/** Each entry works where its own packages are installed, and the other's are not. */
const entries = [
  {
    entry: 'nestjs-oidc-auth/typeorm',
    packages: ['@nestjs/typeorm@^12', 'typeorm@^1'],
    names: [
      'CreateOidcBrokerTables1764115200000',
      'TypeOrmBrokerStore',
      'brokerEntities',
      'peerKeysEntity',
      'revocationEntity',
      'sessionEntity',
      'signingKeyEntity',
    ],
  },
  {
    entry: 'nestjs-oidc-auth/mongoose',
    packages: ['@nestjs/mongoose@^12', 'mongoose@^9'],
    names: ['MongooseBrokerStore'],
  },
];

describe.each(entries)('a host with $packages alone', ({ entry, packages, names }) => {
  let installed: string;

  beforeAll(async () => {
    installed = await mkdtemp(join(tmpdir(), 'oidc-host-'));
    await installBeside('^12.0.0', inject('tarball'), installed, packages);
  });

  afterAll(() => rm(installed, { recursive: true }));

  it.each(moduleKinds)(`finds the public names of ${entry}, written as %s`, async (kind) => {
    const host = new HostApplication(installed, kind);

    const { stdout, stderr } = await host.run(process.execPath, ['print-names.js', entry]);

    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(names);
  });
});
