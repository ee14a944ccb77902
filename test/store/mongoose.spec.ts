import { randomBytes } from 'node:crypto';

import { afterAll, describe, it } from 'vitest';

import { openStoreByUrl } from '../../lib/store/open-store.js';
import { brokerStoreContract } from '../../lib/testing/index.js';
import { required } from './required.js';

const server = process.env['OIDC_TEST_MONGODB_URL'];
const missing = required('MongoDB', server ? undefined : 'OIDC_TEST_MONGODB_URL is not set');

describe.skipIf(missing)(`Mongoose${missing ? ` (${missing})` : ''}`, () => {
  brokerStoreContract(
    async () => {
      const url = new URL(server ?? '');
      url.pathname = `/oidc_test_${randomBytes(6).toString('hex')}`;
      const store = await openStoreByUrl(url.href, { appName: 'test', onWarning: () => undefined });
      await store.open();
      return store;
    },
    { afterAll, describe, it },
  );
});
