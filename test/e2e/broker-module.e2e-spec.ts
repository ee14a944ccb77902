import { Global, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import {
  OidcAuthModule,
  OidcConfigError,
  type BrokerOptions,
  type OidcAuthOptions,
} from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { BROKER_ENCRYPTION_KEY, brokerLogin, guarded } from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { exchange } from '../support/token-exchange.js';

@Injectable()
class DatabaseOfTheHost {
  readonly name = 'of-the-host';
}

/** A store of the host's own, which its container makes. */
@Injectable()
class StoreOfTheHost extends MemoryBrokerStore {
  static readonly made: StoreOfTheHost[] = [];

  constructor(readonly database: DatabaseOfTheHost) {
    super();
    StoreOfTheHost.made.push(this);
  }
}

@Module({
  providers: [DatabaseOfTheHost, StoreOfTheHost],
  exports: [DatabaseOfTheHost, StoreOfTheHost],
})
class StoreModule {}

@Global()
@Module({ providers: [DatabaseOfTheHost], exports: [DatabaseOfTheHost] })
class DatabaseModule {}

type Way = (options: OidcAuthOptions, broker: BrokerOptions) => DynamicModule;

/** Asserts that a login, a token and the guard work. */
const expectWorks = async (app: TestApp): Promise<void> => {
  const { accessToken, claims } = await brokerLogin(app);
  expect(await guarded(app, accessToken)).toBe('200');
  expect(claims['iss']).toBe(app.url);
};

const inBroker: Way = (options, broker) => OidcAuthModule.forRoot({ ...options, broker });

/** Where a store can be named. */
const ways: Record<string, Way> = {
  'forRoot, in "broker"': inBroker,
  'forRoot, beside the options': (options, { store, ...broker }) =>
    OidcAuthModule.forRoot({ ...options, broker, store }),
  'forRootAsync, beside the factory': (options, { store, ...broker }) =>
    OidcAuthModule.forRootAsync({ store, useFactory: async () => ({ ...options, broker }) }),
  'forRootAsync, in what the factory returns': (options, broker) =>
    OidcAuthModule.forRootAsync({ useFactory: async () => ({ ...options, broker }) }),
};

describe('broker mode in the module', () => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(() => {
    provider.resetBehaviour();
    GuardedRoutes.reached.length = 0;
    StoreOfTheHost.made.length = 0;
  });

  afterAll(() => provider.close());

  const start = async (
    way: Way,
    broker: Partial<BrokerOptions>,
    more: Partial<AppOptions> = {},
  ): Promise<TestApp> => {
    const app = await startApp({
      provider,
      controllers: [GuardedRoutes],
      ...more,
      options: { encryptionKeys: [BROKER_ENCRYPTION_KEY], ...more.options },
      register: (options) =>
        way(options, {
          audience: 'myapp-api',
          signingAlgorithm: 'ES256',
          ...broker,
        }),
    });
    onTestFinished(() => app.close());
    return app;
  };

  it.each(Object.entries(ways))('takes a store instance: %s', async (_where, way) => {
    const { store, calls } = countingStore();

    await expectWorks(await start(way, { store }));

    expect(calls.filter((name) => name === 'createSession')).toHaveLength(1);
    expect(calls.filter((name) => name === 'open')).toHaveLength(1);
  });

  it.each(Object.entries(ways))('takes a store by URL: %s', async (_where, way) => {
    await expectWorks(await start(way, { store: 'memory://' }));
  });

  it.each(Object.entries(ways))("takes the host's own store class: %s", async (_where, way) => {
    const app = await start(way, { store: StoreOfTheHost }, { imports: [StoreModule] });

    await expectWorks(app);

    expect(StoreOfTheHost.made).toHaveLength(1); // the provider of the host, not a second one
    expect(app.app.get(StoreOfTheHost, { strict: false }).database.name).toBe('of-the-host');
    expect(await StoreOfTheHost.made[0]?.listSigningKeys()).toHaveLength(1);
  });

  it('makes a store class that is no provider, of what the container holds', async () => {
    const app = await start(inBroker, { store: StoreOfTheHost }, { imports: [DatabaseModule] });

    await expectWorks(app);

    expect(StoreOfTheHost.made.map(({ database }) => database.name)).toEqual(['of-the-host']);
  });

  it('prefers the store that stands beside the factory', async () => {
    const [beside, inside] = [countingStore(), countingStore()];
    const app = await startApp({
      provider,
      controllers: [GuardedRoutes],
      register: (options) =>
        OidcAuthModule.forRootAsync({
          store: beside.store,
          useFactory: () => ({
            ...options,
            broker: { audience: 'myapp-api', signingAlgorithm: 'ES256', store: inside.store },
          }),
        }),
    });
    onTestFinished(() => app.close());

    await expectWorks(app);

    expect(inside.calls).toEqual([]);
  });

  it.each([
    ['an object that is no store', { open: () => undefined }],
    ['a class that is no store', class NoStore {}],
    ['a URL that nobody knows', 'redis://localhost'],
    ['a URL that is none', 'a store'],
  ])('stops start-up for %s, and says what to do', async (_what, store) => {
    const register: AppOptions['register'] = (options) =>
      Reflect.apply(OidcAuthModule.forRoot.bind(OidcAuthModule), undefined, [
        { ...options, broker: { audience: 'myapp-api', store } },
      ]);

    const started = startApp({ provider, register });

    await expect(started).rejects.toThrow(OidcConfigError);
    await expect(started).rejects.toThrow(/"broker\.store"/);
  });

  it('never touches a store in passthrough mode, and goes on as before', async () => {
    const { store, calls } = countingStore();
    const app = await startApp({
      provider,
      controllers: [GuardedRoutes],
      register: (options) => OidcAuthModule.forRootAsync({ store, useFactory: () => options }),
    });
    onTestFinished(() => app.close());

    const { accessToken, body } = await brokerLogin(app); // the provider's own tokens
    expect(await guarded(app, accessToken)).toBe('200');
    expect(await guarded(app, provider.accessToken())).toBe('200');
    expect(provider.refreshTokenState(String(body['refresh_token']))).toBe('live');
    for (const [method, path] of [
      ['GET', '.well-known/jwks.json'],
      ['POST', 'introspect'],
      ['POST', 'backchannel-logout'],
    ] as const) {
      const reply = await request(`${app.url}/auth/v2/${path}`, { method });
      expect([path, reply.status, reply.json()['error']]).toEqual([path, 404, 'invalid_request']);
    }
    expect((await exchange(app, provider.accessToken())).json()['error']).toBe(
      'unsupported_grant_type',
    );

    expect(calls.filter((name) => name !== 'close')).toEqual([]);
  });

  it('keeps two applications of one process apart', async () => {
    const one = await start(inBroker, { audience: 'one-api', store: 'memory://' });
    const two = await start(
      inBroker,
      { audience: 'two-api', store: 'memory://', accessTokenLifetimeSec: 60 },
      { options: { routes: { prefix: '/api' }, clockToleranceSec: 1 } },
    );

    const ofOne = await brokerLogin(one);
    const ofTwo = await brokerLogin({ url: `${two.url}/api` });

    expect(ofOne.claims).toMatchObject({ iss: one.url, aud: 'one-api' });
    expect(ofTwo.claims).toMatchObject({ iss: two.url, aud: 'two-api' });
    expect(ofTwo.body['expires_in']).toBe(60);
    expect(await guarded(one, ofOne.accessToken)).toBe('200');
    expect(await guarded(two, ofTwo.accessToken)).toBe('200');
    expect(await guarded(one, ofTwo.accessToken)).toBe('401 invalid_token');
    expect(await guarded(two, ofOne.accessToken)).toBe('401 invalid_token');
    const form = { refresh_token: ofOne.refreshToken };
    expect((await request(`${two.url}/api/auth/v2/token`, { form })).status).toBe(400);
  });

  it('keeps passthrough and broker mode apart in one process', async () => {
    const broker = await start(inBroker, { store: 'memory://' });
    const passthrough = await startApp({ provider, controllers: [GuardedRoutes] });
    onTestFinished(() => passthrough.close());
    const { accessToken } = await brokerLogin(broker);

    expect(await guarded(broker, accessToken)).toBe('200');
    expect(await guarded(passthrough, accessToken)).toBe('401 invalid_token');
    expect(await guarded(passthrough, provider.accessToken())).toBe('200');
    expect(await guarded(broker, provider.accessToken())).toBe('401 invalid_token');
  });
});
