import type { AddressInfo } from 'node:net';

import { Controller, Get, Module, type Type } from '@nestjs/common';
import { NestFactory, RouterModule } from '@nestjs/core';
import {
  Auth,
  IdToken,
  type IdTokenClaims,
  OidcAuthModule,
  OidcConfigError,
  OidcService,
} from 'nestjs-oidc-auth';

// A host application: started with DISCOVERY_URL and ACCESS_TOKEN, it calls itself, prints what it was answered as one
// line of JSON and stops. It is compiled both as an ECMAScript module and as CommonJS, so it awaits nothing at its top.

const { ACCESS_TOKEN = '', DISCOVERY_URL = '' } = process.env;

const options = {
  clientId: 'my-client',
  clientSecret: 'client-secret-of-at-least-32-characters',
  discoveryUrl: DISCOVERY_URL,
  audience: 'my-aud',
  publicUrl: 'http://localhost:3000',
};

@Controller()
class MeController {
  constructor(private readonly oidc: OidcService) {}

  @Get('me')
  @Auth()
  me(@IdToken() token: IdTokenClaims): object {
    return { sub: token.sub };
  }

  @Get('by-service')
  @Auth({ optional: true })
  async byService(): Promise<object> {
    const claims = await this.oidc.authenticate({ authorization: `Bearer ${ACCESS_TOKEN}` });
    return { sub: claims.sub };
  }
}

@Module({ imports: [OidcAuthModule.forRoot(options)], controllers: [MeController] })
class AppModule {}

@Module({
  imports: [
    OidcAuthModule.forRoot(options),
    RouterModule.register([{ path: 'account', module: OidcAuthModule }]),
  ],
})
class MountedModule {}

@Module({ imports: [OidcAuthModule.forRoot({ ...options, audience: '' })] })
class MistakenModule {}

const broker = { audience: 'myapp-api', store: 'memory://' };

@Module({ imports: [OidcAuthModule.forRoot({ ...options, broker })] })
class BrokerModule {}

@Module({
  imports: [
    OidcAuthModule.forRoot({ ...options, broker: { ...broker, store: 'postgres://localhost/x' } }),
  ],
})
class DriverlessModule {}

async function answerOf(url: string, headers: Record<string, string> = {}): Promise<object> {
  const response = await fetch(url, { headers, redirect: 'manual' });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    body: await response.json(),
  };
}

async function refusalOf(module: Type<unknown>): Promise<string> {
  try {
    await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    return 'none';
  } catch (error) {
    return error instanceof OidcConfigError ? `${error.name}: ${error.message}` : String(error);
  }
}

/** Broker mode without any ORM. */
async function publishedKeys(): Promise<number> {
  const app = await NestFactory.createApplicationContext(BrokerModule, { logger: ['error'] });
  const { keys } = await app.get(OidcService).jwks();
  await app.close();
  return keys.length;
}

/** Which callback is ours where RouterModule put our routes: the status of a login for it. */
async function mountedLogin(): Promise<number> {
  const app = await NestFactory.create(MountedModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const { port }: AddressInfo = app.getHttpServer().address();
  const callback = encodeURIComponent(`${options.publicUrl}/account/auth/v2/callback`);
  const url = `http://127.0.0.1:${port}/account/auth/v2/login?redirect_uri=${callback}`;
  const { status } = await fetch(url, { redirect: 'manual' });
  await app.close();
  return status;
}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0, '127.0.0.1');
  const { port }: AddressInfo = app.getHttpServer().address();
  const url = `http://127.0.0.1:${port}`;
  const answers = {
    anonymous: await answerOf(`${url}/me`),
    user: await answerOf(`${url}/me`, { authorization: `Bearer ${ACCESS_TOKEN}` }),
    service: await answerOf(`${url}/by-service`),
    login: await answerOf(`${url}/auth/v2/login`),
    mounted: await mountedLogin(),
    keys: await publishedKeys(),
    mistake: (await refusalOf(MistakenModule)).split(':')[0],
    missing: await refusalOf(DriverlessModule),
  };
  await app.close();
  console.log(JSON.stringify(answers));
}

void main();
