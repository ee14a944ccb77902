import { randomBytes } from 'node:crypto';

import { type INestApplicationContext, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule, getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type BrokerOptions, OidcAuthModule, OidcService } from '../../lib/index.js';
import { MongooseBrokerStore } from '../../lib/store/mongoose/index.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { aSession, aState, anId, after, NOW } from '../../lib/testing/store-contract/rows.js';
import { required } from './required.js';

const server = process.env['OIDC_TEST_MONGODB_URL'];
const missing = required('MongoDB', server ? undefined : 'OIDC_TEST_MONGODB_URL is not set');

const oidc = (store: NonNullable<BrokerOptions['store']>) =>
  OidcAuthModule.forRoot({
    clientId: 'my-client',
    discoveryUrl: 'http://127.0.0.1:9/.well-known/openid-configuration',
    audience: 'my-aud',
    publicUrl: 'http://localhost:3000',
    encryptionKeys: ['encryption-key-of-at-least-32-characters'],
    broker: { audience: 'myapp-api', store },
  });

describe.skipIf(missing)(`Mongoose of the host${missing ? ` (${missing})` : ''}`, () => {
  let url: string;
  let app: INestApplicationContext | undefined;

  beforeEach(() => {
    const own = new URL(server ?? '');
    own.pathname = `/oidc_test_${randomBytes(6).toString('hex')}`;
    url = own.href;
    app = undefined;
  });

  afterEach(() => app?.close());

  async function start(imports: ModuleMetadata['imports']): Promise<INestApplicationContext> {
    @Module({ imports: imports ?? [] })
    class HostModule {}
    app = await NestFactory.createApplicationContext(HostModule, {
      logger: new RecordingLogger(),
      abortOnError: false,
    });
    return app;
  }

  it('is used through the default connection', async () => {
    const context = await start([MongooseModule.forRoot(url), oidc(MongooseBrokerStore)]);

    const { keys } = await context.get(OidcService).jwks();

    expect(keys).toHaveLength(1);
    expect(await context.get(OidcService).listSessions('nobody')).toEqual([]);
  });

  it('is used through a named connection, which stays open when the store closes', async () => {
    const context = await start([
      MongooseModule.forRoot(url, { connectionName: 'sessions' }),
      oidc(MongooseBrokerStore.on({ connection: 'sessions' })),
    ]);
    const connection: Connection = context.get(getConnectionToken('sessions'), { strict: false });

    expect((await context.get(OidcService).jwks()).keys).toHaveLength(1);
    await new MongooseBrokerStore(connection).close();

    expect(await connection.db?.collection('oidc_signing_keys').countDocuments()).toBe(1);
  });

  it('stops start-up where there is no such connection', async () => {
    const store = MongooseBrokerStore.on({ connection: 'sessions' });

    const starting = start([MongooseModule.forRoot(url), oidc(store)]);

    await expect(starting).rejects.toThrow(/no connection "sessions".*connectionName: 'sessions'/);
  });

  it('ST-1: keeps no member beside those of the contract', async () => {
    const context = await start([MongooseModule.forRoot(url), oidc(MongooseBrokerStore)]);
    const connection: Connection = context.get(getConnectionToken(), { strict: false });
    const store = new MongooseBrokerStore(connection);
    const session = aSession();
    await store.createSession(session);
    const leaseId = anId();
    await store.takeLease(session.id, { leaseId, until: after(15), now: NOW, generation: 1 });
    await store.rotateSession(session.id, leaseId, aState());

    const [document] = (await connection.db?.collection('oidc_sessions').find().toArray()) ?? [];

    expect(Object.keys(document ?? {}).toSorted()).toEqual(
      [
        '_id',
        'createdAt',
        'endsAt',
        'expiresAt',
        'generation',
        'loginHash',
        'provider',
        'providerSessionHash',
        'providerSubjectHash',
        'refreshHash',
        'replaced',
        'sealed',
        'subjectHash',
        'usedAt',
      ].toSorted(),
    );
  });
});
