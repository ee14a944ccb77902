import { afterAll, beforeAll, describe, it } from 'vitest';

import { openStoreByUrl } from '../../lib/store/open-store.js';
import { brokerStoreContract } from '../../lib/testing/index.js';
import { type FreshDatabase, freshDatabase } from './fresh-database.js';
import { required } from './required.js';

const { OIDC_TEST_POSTGRES_URL: server, OIDC_TEST_PGBOUNCER_URL: proxy } = process.env;
const given = server !== undefined && proxy !== undefined;
const missing = required('PgBouncer', given ? undefined : 'OIDC_TEST_PGBOUNCER_URL is not set');

describe.skipIf(missing)(
  `TypeORM behind a transaction-pooling proxy${missing ? ` (${missing})` : ''}`,
  () => {
    let database: FreshDatabase;

    beforeAll(async () => {
      database = await freshDatabase(server ?? '');
    });

    afterAll(() => database.drop());

    brokerStoreContract(
      async () => {
        const url = new URL(proxy ?? '');
        url.pathname = new URL(database.url).pathname;
        const store = await openStoreByUrl(url.href, {
          appName: 'test',
          onWarning: () => undefined,
        });
        await store.open();
        return store;
      },
      { afterAll, describe, it },
    );
  },
);
