import { Controller, type ExecutionContext, Get, Injectable } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Auth, AuthGuard, CurrentUser, IdToken } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { rawRequest } from '../support/raw-request.js';
import { forgedTokens } from '../support/verifier.js';

@Injectable()
class Orders {
  constructor(readonly user: CurrentUser) {}
}

@Controller()
class Api {
  static allowed = true;

  constructor(private readonly orders: Orders) {}

  @Get('me')
  @Auth()
  me(@IdToken('sub') sub: string): object {
    return { sub, user: this.orders.user.sub };
  }

  @Get('spoiled')
  @Auth()
  spoiled(@IdToken('roles') roles: string[]): object {
    const before = [...roles, ...this.orders.user.roles];
    roles.push('superuser');
    Reflect.apply(Array.prototype.push, this.orders.user.roles, ['superuser']);
    return before;
  }

  @Get('superusers')
  @Auth({ roles: 'superuser' })
  superusers(): object {
    return {};
  }

  @Get('scoped')
  @Auth({ scopes: 'admin' })
  scoped(): object {
    return {};
  }

  @Get('recent')
  @Auth({ maxAgeSec: 60 })
  recent(): object {
    return {};
  }

  @Get('when')
  @Auth({ when: () => Api.allowed })
  when(): object {
    return {};
  }

  @Get('optional')
  @Auth({ optional: true })
  optional(@IdToken('sub') sub?: string): object {
    return { sub: sub ?? null };
  }
}

describe.each(adapters)('a token that is remembered, on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ behaviour: { now: () => clock.now() } });
    app = await startApp({
      adapter,
      provider,
      clock,
      controllers: [Api],
      providers: [Orders],
    });
  });

  beforeEach(async () => {
    token = provider.accessToken({ auth_time: Math.floor(clock.now().getTime() / 1000) });
    expect(await statusOf('/me')).toBe(200);
    Api.allowed = true;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const statusOf = async (path: string, bearer = token): Promise<number> =>
    (await request(app.url + path, { bearer })).status;

  it('is decided at once, and its user known all the same', async () => {
    const guard = app.app.get(AuthGuard);
    const context: ExecutionContext = Object({
      getClass: () => Api,
      getHandler: () => Object.getOwnPropertyDescriptor(Api.prototype, 'me')?.value,
      getType: () => 'http',
      getArgs: () => [{}],
      switchToHttp: () => ({
        getRequest: () => ({ headers: { authorization: `Bearer ${token}` } }),
      }),
    });

    const decision = guard.canActivate(context);
    const reply = await request(`${app.url}/me`, { bearer: token });

    expect(decision).toBe(true);
    expect(reply.json()).toEqual({ sub: 'sub-0001-alice', user: 'sub-0001-alice' });
  });

  it('JV-10: is refused once it has expired, and its user anonymous where anybody may call', async () => {
    clock.advance(306);

    expect(await statusOf('/me')).toBe(401);
    const reply = await request(`${app.url}/optional`, { bearer: token });
    expect(reply.json()).toEqual({ sub: null });
  });

  it('JV-10: is another one with another payload or signature', async () => {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const [, other = ''] = provider.accessToken({ sub: 'somebody-else' }).split('.');
    const [, , foreign = ''] = provider.accessToken({ sub: 'somebody-else' }).split('.');
    const turned = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;

    expect(await statusOf('/me', `${header}.${other}.${signature}`)).toBe(401);
    expect(await statusOf('/me', `${header}.${payload}.${foreign}`)).toBe(401);
    expect(await statusOf('/me', `${header}.${payload}.${turned}`)).toBe(401);
    expect(await statusOf('/me', token.slice(1))).toBe(401);
    expect(await statusOf('/me')).toBe(200);
  });

  it('JV-10: is held against the rule of each handler', async () => {
    expect(await statusOf('/superusers')).toBe(403);
    expect(await statusOf('/scoped')).toBe(403);
    expect(await statusOf('/superusers')).toBe(403);
    expect(await statusOf('/recent')).toBe(200);
    clock.advance(90);
    expect(await statusOf('/recent')).toBe(401);
    expect(await statusOf('/me')).toBe(200);
  });

  it('JV-10: is held against the condition of a handler each time', async () => {
    expect(await statusOf('/when')).toBe(200);
    Api.allowed = false;
    expect(await statusOf('/when')).toBe(403);
  });

  it('JV-10: keeps its roles, whatever a handler does to them', async () => {
    const first = await request(`${app.url}/spoiled`, { bearer: token });

    const second = await request(`${app.url}/spoiled`, { bearer: token });

    expect(second.json()).toEqual(first.json());
    expect(await statusOf('/superusers')).toBe(403);
  });

  it('HS-1: is refused in two headers and under another scheme', async () => {
    const twice = await rawRequest(app.url, [
      'GET /me HTTP/1.1',
      `Authorization: Bearer ${token}`,
      `authorization: Bearer ${token}`,
    ]);
    const schemes = ['Basic', 'Token', 'Bearers', 'bear'];
    const others = schemes.map((scheme) => ({ headers: { authorization: `${scheme} ${token}` } }));

    expect(twice.status).toBe(400);
    for (const other of others) expect((await request(`${app.url}/me`, other)).status).toBe(401);
    const lower = { headers: { authorization: `bearer ${token}` } };
    expect((await request(`${app.url}/me`, lower)).status).toBe(200);
  });

  it('JV-10: is refused once its key is withdrawn', async () => {
    const [, key] = provider.keys;
    if (key === undefined) throw new Error('no second key');
    const gone = provider.accessToken({}, {}, key);
    expect(await statusOf('/me', gone)).toBe(200);
    provider.withdrawKey(key.kid);

    await statusOf('/me', forgedTokens(provider, 1)[0] ?? ''); // makes it read the set again

    expect(await statusOf('/me', gone)).toBe(401);
    expect(await statusOf('/me')).toBe(200);
  });
});
