import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { HostApplication, moduleKinds } from './host-application.js';
import { installBeside } from './npm.js';

const typeOrm = {
  entry: 'nestjs-oidc-auth/typeorm',
  names: [
    'AddOidcBrowserSessions1764201600000',
    'CreateOidcBrokerTables1764115200000',
    'TypeOrmBrokerStore',
    'brokerEntities',
    'brokerMigrations',
    'peerKeysEntity',
    'revocationEntity',
    'sessionEntity',
    'signingKeyEntity',
  ],
};
const mongoose = { entry: 'nestjs-oidc-auth/mongoose', names: ['MongooseBrokerStore'] };
const terminus = { entry: 'nestjs-oidc-auth/terminus', names: ['OidcHealthIndicator'] };

/** Each entry works where its own packages are installed, and the other's are not: with each major that the peers allow. */
const entries = [
  { ...typeOrm, nest: '^11.0.0', packages: ['@nestjs/typeorm@^11', 'typeorm@^0.3'] },
  { ...typeOrm, nest: '^12.0.0', packages: ['@nestjs/typeorm@^12', 'typeorm@^1'] },
  { ...mongoose, nest: '^11.0.0', packages: ['@nestjs/mongoose@^11', 'mongoose@^8'] },
  { ...mongoose, nest: '^12.0.0', packages: ['@nestjs/mongoose@^12', 'mongoose@^9'] },
  { ...terminus, nest: '^11.0.0', packages: ['@nestjs/terminus@^11'] },
  { ...terminus, nest: '^12.0.0', packages: ['@nestjs/terminus@^12'] },
];

describe.each(entries)('a host with $packages alone', ({ entry, nest, packages, names }) => {
  let installed: string;

  beforeAll(async () => {
    installed = await mkdtemp(join(tmpdir(), 'oidc-host-'));
    await installBeside(nest, inject('tarball'), installed, packages);
  });

  afterAll(() => rm(installed, { recursive: true }));

  it.each(moduleKinds)(`finds the public names of ${entry}, written as %s`, async (kind) => {
    const host = new HostApplication(installed, kind);

    const { stdout, stderr } = await host.run(process.execPath, ['print-names.js', entry]);

    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(names);
  });
});
