import { createRequire } from 'node:module';
import { join } from 'node:path';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

// Starts an application that uses none of the entries for contexts, with this package (argument `with`) or without, and prints which files were
// loaded by `require()`.

async function main(): Promise<void> {
  const imports = process.argv[2] === 'with' ? [await oidcModule()] : [];

  @Module({ imports })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.init();
  await app.close();
  console.log(JSON.stringify(Object.keys(createRequire(join(process.cwd(), 'x.js')).cache)));
}

async function oidcModule() {
  const { OidcAuthModule } = await import('nestjs-oidc-auth');
  return OidcAuthModule.forRoot({
    clientId: 'my-client',
    discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
    audience: 'my-aud',
    publicUrl: 'http://localhost:3000',
  });
}

void main();
