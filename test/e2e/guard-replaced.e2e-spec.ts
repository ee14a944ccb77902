import { Controller, Get } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { INestApplication } from '@nestjs/common';

import { Auth, AuthGuard, IdToken, type IdTokenClaims, OidcAuthModule } from '../../lib/index.js';
import { adapters, appOptions } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-request.js';

@Controller()
class Routes {
  @Get('guarded')
  @Auth({ roles: 'admins' })
  guarded(@IdToken() token?: IdTokenClaims, @IdToken('email') email?: string): object {
    return { sub: token?.sub ?? null, email: email ?? null };
  }

  @Get('plain')
  plain(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }
}

const open = { canActivate: () => true };

describe.each(adapters)('a guard that a test of the host replaces, on %s', (adapter) => {
  let app: INestApplication | undefined;

  afterEach(async () => {
    await app?.close();
  });

  const start = async (whole: boolean): Promise<string> => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const builder = Test.createTestingModule({
      imports: [OidcAuthModule.forRoot(appOptions({}, url))],
      controllers: [Routes],
      providers: whole ? [{ provide: APP_GUARD, useExisting: AuthGuard }] : [],
    });
    const tested = whole ? builder.overrideProvider(AuthGuard) : builder.overrideGuard(AuthGuard);
    const compiled = await tested.useValue(open).compile();
    app =
      adapter === 'fastify'
        ? compiled.createNestApplication(new FastifyAdapter())
        : compiled.createNestApplication(new ExpressAdapter());
    await app.listen(port, '127.0.0.1');
    return url;
  };

  it('leaves @IdToken() undefined on handlers with @Auth()', async () => {
    const reply = await request(`${await start(false)}/guarded`);

    expect([reply.status, reply.json()]).toEqual([200, { sub: null, email: null }]);
  });

  it('leaves @IdToken() undefined under APP_GUARD, on handlers without a rule', async () => {
    const reply = await request(`${await start(true)}/plain`);

    expect([reply.status, reply.json()]).toEqual([200, { sub: null }]);
  });
});
