import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OidcConfigError } from '../../lib/errors/oidc-config.error.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { openStoreByUrl } from '../../lib/store/open-store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { NOW, aSession, aSigningKey } from '../../lib/testing/store-contract/rows.js';
import { required } from './required.js';

const quiet = { appName: 'test', onWarning: () => undefined };

describe('a MongoDB URL that cannot be read', () => {
  it.each([
    'mongodb://user:hun/ter2@localhost/app',
    'mongodb://user:hunter2%zz@localhost/app',
    'mongodb://user:hunter2@localhost:99999/app',
    'mongodb://user:hunter2@localhost/app?hunter2=1',
    'mongodb://hun/ter2:x@localhost/app',
    'mongodb+srv://user:hunter2@cluster.example.org:27017/app',
    'mongodb://',
  ])('stops start-up for %s, and does not show it', async (url) => {
    const error: unknown = await openStoreByUrl(url, quiet).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(OidcConfigError);
    expect(error).toHaveProperty('message', expect.stringContaining('broker.store'));
    expect(error).toHaveProperty('stack', expect.not.stringMatching(/hunter2|hun\/ter2/));
    expect(error).not.toHaveProperty('cause');
  });
});

const server = process.env['OIDC_TEST_MONGODB_URL'];
const missing = required('MongoDB', server ? undefined : 'OIDC_TEST_MONGODB_URL is not set');

describe.skipIf(missing)(`a store on MongoDB${missing ? ` (${missing})` : ''}`, () => {
  let url: string;
  let stores: BrokerStore[];

  beforeEach(() => {
    const own = new URL(server ?? '');
    own.pathname = `/oidc_test_${randomBytes(6).toString('hex')}`;
    url = own.href;
    stores = [];
  });

  afterEach(() => Promise.all(stores.map((store) => store.close())));

  async function storeAt(address: string): Promise<BrokerStore> {
    const store = await openStoreByUrl(address, quiet);
    stores.push(store);
    return store;
  }

  it('KM-1: is made by 20 first starts at once, with one key and one session of a login', async () => {
    const { loginHash } = aSession();
    const starting = Array.from({ length: 20 }, async () => {
      const store = await storeAt(url);
      await store.open();
      const created = await store.createSession(aSession({ loginHash }));
      return { created, inserted: await store.insertSigningKey(aSigningKey()) };
    });

    const started = await Promise.all(starting);

    expect(started.filter(({ created }) => created)).toHaveLength(1);
    expect(started.filter(({ inserted }) => inserted)).toHaveLength(1);
    const listed = await Promise.all(stores.map((store) => store.listSigningKeys()));
    expect(new Set(listed.map((keys) => keys.map(({ kid }) => kid).join())).size).toBe(1);
  });

  it('fault 8: heals when its database appears after the application', async () => {
    const proxy = await TcpProxy.before(url);
    await proxy.close();
    const store = await storeAt(proxy.url);

    for (const _ of [1, 2]) {
      const failure: unknown = await store.open().catch((reason: unknown) => reason);
      expect(failure).toHaveProperty('name', 'MongooseServerSelectionError');
    }
    await proxy.open();
    await store.open();

    expect(await store.createSession(aSession())).toBe(true);
    await proxy.close();
  });

  it('fault 9: fails within seconds while its database is away, and works again after', async () => {
    const proxy = await TcpProxy.before(url);
    const store = await storeAt(proxy.url);
    await store.open();
    const session = aSession();
    await store.createSession(session);
    await proxy.close();
    const began = performance.now();

    const asking = store.findSession(session.id, NOW);

    await expect(asking).rejects.not.toThrow(OidcConfigError);
    expect(performance.now() - began).toBeLessThan(8000);
    await proxy.open();
    await expect.poll(() => store.findSession(session.id, NOW), { timeout: 15_000 }).toBeDefined();
    await proxy.close();
  });
});
