import {
  Controller,
  Get,
  Injectable,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { DataSource } from 'typeorm';
import { describe, expect, it } from 'vitest';

import { Auth, OidcAuthModule, OidcConfigError } from '../../lib/index.js';
import { MongooseBrokerStore } from '../../lib/store/mongoose/index.js';
import { TypeOrmBrokerStore } from '../../lib/store/typeorm/index.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { RecordingLogger } from '../support/recording-logger.js';

type Import = NonNullable<ModuleMetadata['imports']>[number];

const SECRET = 'client-secret-Pq8xT2mVwZ7rKc4JhN6d';
registerIfSecret(SECRET, 'client secret');

const good = {
  clientId: 'my-client',
  clientSecret: SECRET,
  discoveryUrl: 'https://idp.example.org/realms/demo/.well-known/openid-configuration',
  audience: 'my-aud',
  publicUrl: 'https://app.example.org',
};

const KEY = 'encryption-key-of-the-broker-tests-32+';

/** Registers as a host written in JavaScript may, with whatever. */
const forRoot = (...given: unknown[]): Import =>
  Reflect.apply(OidcAuthModule.forRoot.bind(OidcAuthModule), undefined, given);
const forRootAsync = (...given: unknown[]): Import =>
  Reflect.apply(OidcAuthModule.forRootAsync.bind(OidcAuthModule), undefined, given);
const withOptions = (changes: object) => (): Import[] => [forRoot({ ...good, ...changes })];
const withBroker = (broker: object, more: object = {}): (() => Import[]) =>
  withOptions({ encryptionKeys: [KEY], ...more, broker: { audience: 'myapp-api', ...broker } });
const withFactory = (result: unknown) => (): Import[] => [
  forRootAsync({ useFactory: () => result }),
];

class FeatureModule {}

@Injectable()
class Settings {
  createOidcAuthOptions(): object {
    return good;
  }
}

/** What a new user writes, and what of the message shows the mistake and its mend. */
type Mistake = readonly [
  mistake: string,
  imports: () => Import[],
  says: readonly (string | RegExp)[],
];

const ofRegistration: Mistake[] = [
  [
    'forRootAsync without a factory',
    () => [forRootAsync({})],
    ['useFactory, useClass, useExisting', 'none of them'],
  ],
  ['forRootAsync without anything', () => [forRootAsync()], ['useFactory', 'got nothing']],
  [
    'forRootAsync with options in the place of a factory',
    () => [forRootAsync({ useFactory: good })],
    ['needs one of useFactory', 'got useFactory: an object'],
  ],
  [
    'forRootAsync with a factory whose name is misspelt',
    () => [forRootAsync({ usefactory: () => good })],
    ['does not know "usefactory"; did you mean "useFactory"?'],
  ],
  [
    'forRootAsync with what is to be injected and nothing to inject it into',
    () => [forRootAsync({ inject: [Settings] })],
    ['needs one of useFactory'],
  ],
  [
    'forRootAsync with a factory and a class',
    () => [forRootAsync({ useFactory: () => good, useClass: Settings })],
    ['needs one of', 'useFactory: a function and useClass: a function'],
  ],
  [
    'forRootAsync with options beside the factory',
    () => [forRootAsync({ useFactory: () => good, broker: { audience: 'a' } })],
    ['does not know "broker"', 'belong into what the factory returns', 'isGlobal, routes, store'],
  ],
  [
    'forRootAsync with the options themselves',
    () => [forRootAsync(good)],
    ['does not know "clientId"', 'what the factory returns'],
  ],
  [
    'forRoot without options',
    () => [forRoot()],
    ['forRoot() needs its options', 'got nothing', 'forRootAsync'],
  ],
  ['forRoot with a factory', () => [forRoot(() => good)], ['got a function', 'forRootAsync']],
  [
    'forRoot with a promise',
    () => [forRoot(Promise.resolve(good))],
    ['got a promise', 'forRootAsync'],
  ],
  ['forRoot with null', () => [forRoot(null)], ['got null']],
  [
    'forRoot with what belongs to forRootAsync',
    () => [forRoot({ useFactory: () => good })],
    ['no "useFactory"', 'forRootAsync'],
  ],
  [
    'the class instead of forRoot',
    () => [OidcAuthModule],
    ['imported without options', 'OidcAuthModule.forRoot({ … })', 'root module'],
  ],
  [
    'the class once more, in another module',
    () => [forRoot(good), { module: FeatureModule, imports: [OidcAuthModule] }],
    [/imported without options|registered 2 times/, 'no other module needs to import it'],
  ],
  [
    'two registrations',
    () => [forRoot(good), forRoot(good)],
    ['registered 2 times', 'no other module needs to import it'],
  ],
  [
    'two registrations in different modules, in different ways',
    () => [
      forRootAsync({ useFactory: async () => good }),
      { module: FeatureModule, imports: [forRoot({ ...good, routes: { prefix: '/x' } })] },
    ],
    ['registered 2 times'],
  ],
  [
    'a factory that returns nothing',
    withFactory(undefined),
    ['got undefined', 'Does the factory of forRootAsync return them?'],
  ],
  [
    'routes in what a factory returns',
    withFactory({ ...good, routes: { prefix: '/api' } }),
    ['Option "routes"', 'beside useFactory'],
  ],
  [
    'isGlobal in what a factory returns',
    withFactory({ ...good, isGlobal: false }),
    ['Option "isGlobal"', 'beside useFactory'],
  ],
  [
    'a store in what a factory returns',
    withFactory({ ...good, store: 'memory://' }),
    ['"store"', 'did you mean "broker.store"?'],
  ],
];

const ofOptions: Mistake[] = [
  [
    'no publicUrl',
    withOptions({ publicUrl: undefined }),
    ['"publicUrl" is missing', 'https://app.example.org'],
  ],
  [
    'a publicUrl without a scheme',
    withOptions({ publicUrl: 'app.example.org' }),
    ['"publicUrl"', 'absolute https URL', '"app.example.org"'],
  ],
  [
    'an http publicUrl',
    withOptions({ publicUrl: 'http://app.example.org' }),
    ['"publicUrl"', 'allowInsecureHttp'],
  ],
  [
    'an http discoveryUrl',
    withOptions({ discoveryUrl: 'http://keycloak:8080/realms/demo' }),
    ['"discoveryUrl"', 'allowInsecureHttp'],
  ],
  [
    'no audience',
    withOptions({ audience: undefined }),
    ['"audience"', '"aud" of your access tokens', 'got nothing'],
  ],
  [
    'a client secret from a variable that is not set',
    withOptions({ clientSecret: '' }),
    ['"clientSecret"', 'got an empty string'],
  ],
  [
    'a client id from a variable that is not set',
    withOptions({ clientId: undefined }),
    ['"clientId"', 'got nothing'],
  ],
  [
    'names in another spelling',
    withOptions({ client_id: 'x' }),
    ['"client_id"; did you mean "clientId"?'],
  ],
  ['brokerMode', withOptions({ brokerMode: true }), ['"brokerMode"; did you mean "broker"?']],
  [
    'broker: true',
    withOptions({ broker: true }),
    ['"broker"', '{ audience: "myapp-api" }', 'got true'],
  ],
  [
    'a broker without an audience',
    withOptions({ broker: {} }),
    ['"broker.audience"', 'got nothing'],
  ],
  [
    'scopes with commas',
    withOptions({ scopes: 'profile,email' }),
    ['"scopes"', 'separated by spaces (not commas)', '"profile,email"'],
  ],
  [
    'seconds for milliseconds',
    withOptions({ timeoutMs: 10 }),
    ['"timeoutMs"', 'milliseconds from 100', 'got 10.'],
  ],
  [
    'a number as text',
    withOptions({ timeoutMs: '10000' }),
    ['"timeoutMs"', 'whole number', 'got "10000".'],
  ],
  [
    'one redirect URI instead of a list',
    withOptions({ allowedRedirectUris: 'https://a.example/cb' }),
    ['"allowedRedirectUris"', 'must be a list'],
  ],
  [
    'a redirect URI that is no URL’s normal form',
    withOptions({ allowedRedirectUris: ['https://a.example'] }),
    ['"allowedRedirectUris"', 'new URL(uri).href', '"https://a.example" (entry 1 of 1)'],
  ],
  [
    'a prefix without a slash',
    () => [forRoot({ ...good, routes: { prefix: 'api' } })],
    ['"routes.prefix"', '"/api"', 'got "api"'],
  ],
  [
    'a route under another name',
    () => [forRoot({ ...good, routes: { device_flow: false } })],
    ['did you mean "routes.device"?'],
  ],
  [
    'a key instead of a list of keys',
    withOptions({ encryptionKeys: KEY }),
    ['"encryptionKeys"', 'must be a list', 'openssl rand'],
  ],
  [
    'a key from a variable that is not set',
    withOptions({ encryptionKeys: [''] }),
    ['"encryptionKeys"', 'an empty string (entry 1 of 1)'],
  ],
  [
    'a key of one letter',
    withOptions({ encryptionKeys: ['a'.repeat(40)] }),
    ['"encryptionKeys"', 'do not repeat themselves'],
  ],
  [
    'an http provider key set',
    withOptions({ jwksUri: 'http://keycloak:8080/certs' }),
    ['"jwksUri"', 'allowInsecureHttp'],
  ],
  ['empty claims', withOptions({ claims: {} }), ['"claims"', 'would let everybody in']],
  [
    'a peer without a scheme',
    withBroker({ store: 'memory://', trustedIssuers: ['peer.example.org'] }),
    ['"broker.trustedIssuers"', '"peer.example.org"'],
  ],
];

const ofStores: Mistake[] = [
  [
    'TypeOrmBrokerStore without TypeOrmModule',
    withBroker({ store: TypeOrmBrokerStore }),
    ['no default DataSource', 'TypeOrmModule.forRoot'],
  ],
  [
    'TypeOrmBrokerStore on a DataSource that is not there',
    withBroker({ store: TypeOrmBrokerStore.on({ dataSource: 'sessions' }) }),
    ['no DataSource "sessions"', "TypeOrmModule.forRoot({ name: 'sessions'"],
  ],
  [
    'MongooseBrokerStore without MongooseModule',
    withBroker({ store: MongooseBrokerStore }),
    ['no default connection', 'MongooseModule.forRoot'],
  ],
  [
    'MongooseBrokerStore on a connection that is not there',
    withBroker({ store: MongooseBrokerStore.on({ connection: 'sessions' }) }),
    ['no connection "sessions"'],
  ],
  [
    'TypeOrmBrokerStore.on without a call',
    withBroker({ store: TypeOrmBrokerStore.on.bind(TypeOrmBrokerStore) }),
    ['"broker.store"', 'TypeOrmBrokerStore.on({ dataSource'],
  ],
  [
    'a DataSource as the store',
    withBroker({ store: new DataSource({ type: 'postgres' }) }),
    ['"broker.store"', 'TypeOrmBrokerStore'],
  ],
  [
    'a class of another kind as the store',
    withBroker({ store: FeatureModule }),
    ['"broker.store"', 'extends the BrokerStore'],
  ],
  [
    'a store URL of another kind',
    withBroker({ store: 'redis://localhost' }),
    ['"broker.store"', 'unknown kind "redis"', 'memory://'],
  ],
  [
    'a store from a variable that is not set',
    withBroker({ store: '' }),
    ['"broker.store"', 'an empty string'],
  ],
];

@Controller()
class Handlers {
  @Get('x')
  x(): object {
    return {};
  }
}

async function start(imports: Import[]): Promise<INestApplication> {
  const host = { module: class HostModule {}, imports, controllers: [Handlers] };
  const app = await NestFactory.create(host, new ExpressAdapter(), {
    logger: new RecordingLogger(),
    abortOnError: false,
  });
  return app.init();
}

/** What a start says that must fail by an {@link OidcConfigError}. */
async function messageOf(imports: () => Import[]): Promise<string> {
  try {
    await (await start(imports())).close();
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(OidcConfigError);
    return error instanceof OidcConfigError ? error.message : '';
  }
  return 'started';
}

describe('a mistake of a new user stops start-up, and the message shows the mend', () => {
  it('unlike what is right', async () => {
    expect(await messageOf(withOptions({}))).toBe('started');
    expect(await messageOf(withBroker({ store: 'memory://' }))).toBe('started');
    expect(await messageOf(withFactory(good))).toBe('started');
    expect(await messageOf(() => [forRootAsync({ useClass: Settings })])).toBe('started');
    const once = forRoot(good);
    expect(await messageOf(() => [once, { module: FeatureModule, imports: [once] }])).toBe(
      'started',
    );
  });

  it.each([...ofRegistration, ...ofOptions, ...ofStores])('%s', async (_mistake, imports, says) => {
    const message = await messageOf(imports);

    for (const part of says) expect(message).toMatch(part);
    expect(message.length).toBeLessThan(1300);
  });

  it.each<[string, object, string]>([
    ['a demand under another name', { role: 'admins' }, 'did you mean "roles"?'],
    ['an empty demand', { roles: [] }, 'would let everybody in'],
  ])('%s in @Auth()', (_mistake, rule, says) => {
    expect(() => Reflect.apply(Auth, undefined, [rule])).toThrow(OidcConfigError);
    expect(() => Reflect.apply(Auth, undefined, [rule])).toThrow(says);
  });
});
