import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, it } from 'vitest';

import { openStoreByUrl } from '../../lib/store/open-store.js';
import { brokerStoreContract } from '../../lib/testing/index.js';
import { required } from './required.js';
import { sqliteMissing } from './sqlite-driver.js';

const missing = required('SQLite', sqliteMissing());

describe.skipIf(missing)(`TypeORM on SQLite${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-sqlite-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  brokerStoreContract(
    async () => {
      const opening = { appName: 'test', onWarning: () => undefined };
      const store = await openStoreByUrl(`sqlite://${join(folder, 'broker.db')}`, opening);
      await store.open();
      return store;
    },
    { afterAll, describe, it },
  );
});
