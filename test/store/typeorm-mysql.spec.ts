import { afterAll, beforeAll, describe, it } from 'vitest';

import { openStoreByUrl } from '../../lib/store/open-store.js';
import { brokerStoreContract } from '../../lib/testing/index.js';
import { type FreshDatabase, freshDatabase } from './fresh-database.js';
import { required } from './required.js';

const server = process.env['OIDC_TEST_MYSQL_URL'];
const missing = required('MariaDB', server ? undefined : 'OIDC_TEST_MYSQL_URL is not set');

describe.skipIf(missing)(`TypeORM on MariaDB${missing ? ` (${missing})` : ''}`, () => {
  let database: FreshDatabase;

  beforeAll(async () => {
    database = await freshDatabase(server ?? '');
  });

  afterAll(() => database.drop());

  brokerStoreContract(
    async () => {
      const opening = { appName: 'test', onWarning: () => undefined };
      const store = await openStoreByUrl(database.url, opening);
      await store.open();
      return store;
    },
    { afterAll, describe, it },
  );
});
