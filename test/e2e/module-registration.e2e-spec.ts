import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { ProviderConnection } from '../../lib/providers/provider-connection.js';
import {
  OidcAuthModule,
  OidcConfigError,
  OidcService,
  type OidcAuthFactoryOptions,
  type OidcAuthOptions,
} from '../../lib/index.js';
import { OIDC_AUTH_OPTIONS, RESOLVED_OPTIONS } from '../../lib/options/options.token.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import { Mode } from '../../lib/service/mode.js';
import { Surroundings } from '../../lib/service/surroundings.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';

/** Stands for a host's configuration service. */
@Injectable()
class Settings {
  static options: OidcAuthFactoryOptions | undefined;

  createOidcAuthOptions(): OidcAuthFactoryOptions {
    if (Settings.options === undefined) throw new Error('No options yet');
    return Settings.options;
  }
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

/** The ways to register the module, each for the same options. */
const ways: Record<string, (options: OidcAuthOptions) => DynamicModule> = {
  forRoot: (options) => OidcAuthModule.forRoot(options),
  'useFactory at once': (options) => OidcAuthModule.forRootAsync({ useFactory: () => options }),
  'useFactory later': (options) =>
    OidcAuthModule.forRootAsync({
      useFactory: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return options;
      },
    }),
  'useFactory with inject': (options) => {
    Settings.options = options;
    return OidcAuthModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => settings.createOidcAuthOptions(),
    });
  },
  useClass: (options) => {
    Settings.options = options;
    return OidcAuthModule.forRootAsync({ useClass: Settings });
  },
  useExisting: (options) => {
    Settings.options = options;
    return OidcAuthModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings });
  },
};

describe.each(adapters)('registration on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  const start = async (options: Partial<AppOptions>): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, controllers: [GuardedRoutes], ...options });
    onTestFinished(() => app.close());
    return app;
  };

  it.each(Object.keys(ways))('by %s: routes and guards work', async (way) => {
    const register = ways[way];
    const app = await start(register === undefined ? {} : { register });

    const tokens = await postToken(app, handleForm(await openLogin(app)));
    const bearer = String(tokens.json()['access_token']);

    expect(tokens.status).toBe(200);
    expect((await request(`${app.url}/required`, { bearer })).status).toBe(200);
    expect((await request(`${app.url}/required`)).status).toBe(401);
  });

  it('forRootAsync takes routes beside the factory', async () => {
    const app = await start({
      register: (options) =>
        OidcAuthModule.forRootAsync({
          routes: { prefix: '/api', token: '/redeem', device: false },
          useFactory: () => options,
        }),
    });

    expect((await request(`${app.url}/api/redeem`, { form: {} })).status).toBe(400);
    expect((await request(`${app.url}/api/auth/v2/login`)).status).toBe(400);
    expect((await request(`${app.url}/api/auth/v2/device`, { form: {} })).status).toBe(503);
    expect((await request(`${app.url}/auth/v2/token`, { form: {} })).status).toBe(404);
  });

  it('routes in the result of the factory stop start-up, and the message says where they belong', async () => {
    const started = startApp({
      adapter,
      provider,
      register: (options) =>
        OidcAuthModule.forRootAsync({
          useFactory: () => ({ ...options, routes: { prefix: '/api' } }),
        }),
    });

    await expect(started).rejects.toThrow(OidcConfigError);
    await expect(started).rejects.toThrow(/^Option "routes" .*beside useFactory/);
  });

  it('a factory that returns nothing stops start-up', async () => {
    const started = startApp({
      adapter,
      register: () =>
        OidcAuthModule.forRootAsync({ useFactory: () => Reflect.get({}, 'forgotten') }),
    });

    await expect(started).rejects.toThrow(/needs its options as an object; got undefined/);
  });

  it('a factory that rejects stops start-up with its own error', async () => {
    const started = startApp({
      adapter,
      register: () =>
        OidcAuthModule.forRootAsync({
          useFactory: () => Promise.reject(new Error('vault is closed')),
        }),
    });

    await expect(started).rejects.toThrow('vault is closed');
  });

  it.each(['forRoot', 'useFactory at once'])(
    'by %s: an unusable option stops start-up by its name',
    async (way) => {
      const started = startApp({
        adapter,
        provider,
        options: { timeoutMs: -1 },
        ...(ways[way] === undefined ? {} : { register: ways[way] }),
      });

      await expect(started).rejects.toThrow(OidcConfigError);
      await expect(started).rejects.toThrow(/^Option "timeoutMs" /);
    },
  );

  it('isGlobal: false leaves the guard to modules that import it', async () => {
    const local = startApp({
      adapter,
      provider,
      imports: [{ module: class FeatureModule {}, controllers: [GuardedRoutes] }],
      register: (options) => OidcAuthModule.forRoot({ ...options, isGlobal: false }),
    });
    await expect(local).rejects.toThrow(/can't resolve dependencies/i);

    const app = await start({
      register: (options) => OidcAuthModule.forRoot({ ...options, isGlobal: false }),
    });
    expect((await request(`${app.url}/required`)).status).toBe(401);
  });

  it('exports neither the options nor the parts that hold secrets', () => {
    const definition = OidcAuthModule.forRoot({
      clientId: 'c',
      discoveryUrl: 'https://idp.example.org',
      audience: 'a',
      publicUrl: 'https://app.example.org',
    });
    const exported: unknown = Reflect.getMetadata('exports', OidcAuthModule);

    expect(definition.exports ?? []).toEqual([]);
    expect(exported).toContain(OidcService);
    const kept = [OIDC_AUTH_OPTIONS, RESOLVED_OPTIONS, KeyRing, ProviderConnection];
    for (const part of [...kept, Mode, Surroundings]) expect(exported).not.toContain(part);
  });
});
