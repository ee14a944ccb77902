import type { Server } from 'node:http';

import type { DynamicModule, INestApplication, ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { Clock } from '../../lib/clock/clock.js';
import {
  OidcAuthModule,
  type OidcAuthOptions,
  OidcService,
  type SeveralProvidersOptions,
} from '../../lib/index.js';
import { registerIfSecret } from './canary-secrets.js';
import { holdPort } from './free-port.js';
import { capturedLogs } from './output-capture.js';
import { TEST_AUDIENCE, TEST_CLIENT_ID, TEST_CLIENT_SECRET } from './provider-options.js';
import { RecordingLogger } from './recording-logger.js';
import { watchServerErrors } from './server-errors.js';

/** The HTTP platforms that every e2e suite runs on: `describe.each(adapters)('login on %s', …)`. */
export const adapters = ['express', 'fastify'] as const;

export type AdapterName = (typeof adapters)[number];

/**
 * The platforms for a flow: what comes of the provider's answers, of a token, of a session or of the store, once the request is read. The tests
 * of routes and of the guard show on both {@link adapters} that each platform reads requests and writes answers alike; a flow asks one by hand,
 * and both where `OIDC_TEST_ADAPTERS=all`, as in CI.
 *
 * @example `describe.each(flowAdapters)('refresh on %s', (adapter) => …)`
 */
export const flowAdapters: readonly AdapterName[] =
  process.env['OIDC_TEST_ADAPTERS'] === 'all' ? adapters : ['express'];

export interface AppOptions extends Pick<ModuleMetadata, 'controllers' | 'imports' | 'providers'> {
  adapter?: AdapterName;
  /** Sets the discovery URL and, when it has one, the client secret. */
  provider?: { readonly discoveryUrl: string; readonly clientSecret?: string };
  /**
   * Options beside the defaults: client `my-client` with its secret, audience `my-aud`, scopes
   * `myscope profile email`, and `publicUrl` = `http://localhost:PORT`. `undefined` removes a default.
   */
  options?: { [Name in keyof OidcAuthOptions]?: OidcAuthOptions[Name] | undefined };
  /** Several identity providers instead of one, and what goes with them. */
  several?: Pick<
    SeveralProvidersOptions,
    'providers' | 'providersPollSec' | 'defaultProvider' | 'resolveProvider' | 'sharedRedirects'
  >;
  /**
   * Registers the module in another way than `forRoot(options)`.
   *
   * @example `register: (options) => OidcAuthModule.forRootAsync({ useFactory: async () => options })`
   */
  register?: (options: OidcAuthOptions) => DynamicModule;
  globalPrefix?: string;
  /** The last word on the application, before it listens. */
  configure?: (app: INestApplication) => void | Promise<void>;
  /** `false`: the host switched its body parsers off. */
  bodyParser?: boolean;
  /** Takes the place of the system clock. */
  clock?: Clock;
}

export interface TestApp {
  readonly app: INestApplication;
  /** `http://localhost:PORT`, as the browser sees it; the global prefix is not part of it. */
  readonly url: string;
  readonly service: OidcService;
  /** What was logged since this application began to start. */
  logs(): readonly string[];
  close(): Promise<void>;
}

/**
 * Starts a real Nest application with this module, on 127.0.0.1. The port is chosen before, since
 * `publicUrl` must name it; test providers are at `127.0.0.1`, so that their cookies are not ours.
 *
 * @example
 * ```ts
 * const app = await startApp({ adapter, provider, controllers: [MeController] });
 * const reply = await request(`${app.url}/me`, { bearer: token });
 * ```
 */
export async function startApp(options: AppOptions = {}): Promise<TestApp> {
  const held = await holdPort();
  const { port } = held;
  const url = `http://localhost:${port}`;
  const linesBefore = capturedLogs().length;
  const app = await createApp(options, url).catch(async (error: unknown) => {
    await held.release();
    throw error;
  });

  try {
    if (options.globalPrefix !== undefined) app.setGlobalPrefix(options.globalPrefix);
    await options.configure?.(app);
    await app.init();
    await held.release();
    await app.listen(port, '127.0.0.1');
  } catch (error) {
    await held.release();
    await app.close();
    throw error;
  }
  const server: Server = app.getHttpServer();
  watchServerErrors(server);

  return {
    app,
    url,
    service: app.get(OidcService, { strict: false }),
    logs: () => capturedLogs().slice(linesBefore),
    close: async () => {
      server.closeAllConnections();
      await app.close();
    },
  };
}

/** The options that {@link startApp} gives to the module. */
export function appOptions(
  { provider, options, several }: AppOptions,
  publicUrl: string,
): OidcAuthOptions {
  const defaults: OidcAuthOptions = {
    clientId: TEST_CLIENT_ID,
    clientSecret: provider?.clientSecret ?? TEST_CLIENT_SECRET,
    discoveryUrl: provider?.discoveryUrl ?? 'http://127.0.0.1:9/.well-known/openid-configuration',
    audience: TEST_AUDIENCE,
    scopes: 'myscope profile email',
    publicUrl,
  };
  const ofNobody = several && {
    clientId: undefined,
    clientSecret: undefined,
    discoveryUrl: undefined,
    audience: undefined,
    scopes: undefined,
  };
  const instead: object = { ...ofNobody, ...several };
  const merged: OidcAuthOptions = Object.assign(defaults, instead, options);
  for (const [name, value] of Object.entries(merged)) {
    if (value === undefined) Reflect.deleteProperty(merged, name);
  }
  return merged;
}

/** The module of a host, with this one in it. */
export function hostModule(options: AppOptions, url: string): DynamicModule {
  const { clock, controllers = [], providers = [] } = options;
  const moduleOptions = appOptions(options, url);
  registerIfSecret(moduleOptions.clientSecret, 'client secret');
  const register = options.register ?? ((given) => OidcAuthModule.forRoot(given));
  const registered = register(moduleOptions);

  class HostModule {}
  return {
    module: HostModule,
    imports: [
      clock === undefined ? registered : withClock(registered, clock),
      ...(options.imports ?? []),
    ],
    controllers,
    providers,
  };
}

/**
 * By `NestFactory`, as hosts do: `Test.createTestingModule` builds providers before there is an HTTP
 * adapter, which this module uses in its constructor.
 */
async function createApp(options: AppOptions, url: string): Promise<INestApplication> {
  const { adapter, bodyParser = true } = options;
  return NestFactory.create(
    hostModule(options, url),
    adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
    { logger: new RecordingLogger(), bodyParser, abortOnError: false },
  );
}

/** Of two providers for a token, the one of the dynamic module wins. */
function withClock(module: DynamicModule, clock: Clock): DynamicModule {
  return {
    ...module,
    providers: [...(module.providers ?? []), { provide: Clock, useValue: clock }],
  };
}
