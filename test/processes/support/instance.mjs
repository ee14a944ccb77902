// One instance of an application in broker mode, in a process of its own: run by instance-process.ts, with its settings in the
// environment. It imports the built package, and tells its parent when it listens and, on demand, when a refresh was committed.
import process from 'node:process';

import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Auth, IdToken, OidcAuthModule } from 'nestjs-oidc-auth';

const settings = JSON.parse(process.env['INSTANCE_SETTINGS'] ?? '{}');

/** The stores that a URL opens share these classes with those that take a host's connection. */
async function openedByUrl() {
  const { TypeOrmBrokerStore } = await import('nestjs-oidc-auth/typeorm');
  const { MongooseBrokerStore } = await import('nestjs-oidc-auth/mongoose');
  return [TypeOrmBrokerStore, MongooseBrokerStore].map((store) => Object.getPrototypeOf(store));
}

if (settings.counting) {
  const calls = {};
  for (const { prototype } of await openedByUrl()) {
    for (const name of ['findSession', 'touchSession']) {
      const call = prototype[name];
      prototype[name] = function (...args) {
        calls[name] = (calls[name] ?? 0) + 1;
        return call.apply(this, args);
      };
    }
  }
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ event: 'counted', calls, processorMs: (user + system) / 1000 });
  });
}

if (settings.holdAfterCommit) {
  for (const { prototype } of await openedByUrl()) {
    const rotate = prototype.rotateSession;
    prototype.rotateSession = async function (...args) {
      const committed = await rotate.apply(this, args);
      process.send?.({ event: 'committed', committed });
      await new Promise(() => undefined); // until it is killed
      return committed;
    };
  }
}

class AppModule {}
Module({
  imports: [
    OidcAuthModule.forRoot({
      clientId: 'my-client',
      clientSecret: settings.clientSecret,
      discoveryUrl: settings.discoveryUrl,
      audience: 'my-aud',
      publicUrl: settings.publicUrl ?? `http://localhost:${settings.port}`,
      encryptionKeys: ['encryption-key-of-all-instances-of-this-test'],
      timeoutMs: settings.timeoutMs,
      broker: {
        audience: 'myapp-api',
        issuer: 'http://localhost:1',
        store: settings.storeUrl,
        revocationPollSec: 1,
        ...settings.broker,
      },
      ...(settings.session === undefined ? {} : { session: settings.session }),
    }),
  ],
  controllers: [meController()],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.listen(settings.port, '127.0.0.1');
process.send?.({ event: 'listening' });

/** Decorators as functions: this file is run as it is. */
function meController() {
  class MeController {
    me(token) {
      return { sub: token.sub };
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(MeController.prototype, 'me');
  IdToken()(MeController.prototype, 'me', 0);
  Auth()(MeController.prototype, 'me', descriptor);
  Get('me')(MeController.prototype, 'me', descriptor);
  Controller()(MeController);
  return MeController;
}
