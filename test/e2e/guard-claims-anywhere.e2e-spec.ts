import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Injectable,
  type NestInterceptor,
  NotFoundException,
  Param,
  Req,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { setImmediate as turn } from 'node:timers/promises';
import { type Observable, map } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth, CurrentUser, Public, verifiedClaims } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

@Injectable()
class Orders {
  /** The same service of another application of this process. */
  elsewhere: Orders | undefined;

  constructor(private readonly user: CurrentUser) {}

  async mine(): Promise<object> {
    await turn();
    const { sub, roles, claims } = this.user;
    return { sub: sub ?? null, roles, email: claims?.email ?? null };
  }
}

@Injectable()
class Stamp implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next
      .handle()
      .pipe(map((body: object) => ({ ...body, by: verifiedClaims(context)?.sub })));
  }
}

@Injectable()
class Afterwards implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const wanted: unknown = context.switchToHttp().getRequest<{ query: { sub?: unknown } }>()
      .query.sub;
    return wanted === undefined || verifiedClaims(context)?.sub === wanted;
  }
}

@Catch(NotFoundException)
class Named implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(_: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const sub = verifiedClaims(http.getRequest<object>())?.sub;
    this.adapterHost.httpAdapter.reply(http.getResponse(), { lost: sub }, 404);
  }
}

@Controller()
@UseInterceptors(Stamp)
@UseFilters(Named)
class OrderRoutes {
  constructor(private readonly orders: Orders) {}

  @Get('mine')
  @UseGuards(Afterwards) // decorators count from below
  @Auth()
  mine(): Promise<object> {
    return this.orders.mine();
  }

  @Get('elsewhere')
  @Auth()
  async elsewhere(): Promise<object> {
    return { here: await this.orders.mine(), there: await this.orders.elsewhere?.mine() };
  }

  @Get('mine/:order')
  @Auth()
  missing(@Param('order') order: string): never {
    throw new NotFoundException(order);
  }

  @Get('feed')
  @Auth({ optional: true })
  feed(): Promise<object> {
    return this.orders.mine();
  }

  @Get('open')
  @Public()
  open(): Promise<object> {
    return this.orders.mine();
  }

  @Get('property')
  @Auth({ optional: true })
  property(@Req() incoming: { user?: { sub: string } }): object {
    return { user: incoming.user?.sub ?? null };
  }
}

describe.each(adapters)('claims outside of handlers on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let plain: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const host = { adapter, provider, controllers: [OrderRoutes], providers: [Orders] };
    app = await startApp({ ...host, options: { requestProperty: 'user' } });
    plain = await startApp(host);
  });

  afterAll(async () => {
    await Promise.all([app.close(), plain.close()]);
    await provider.close();
  });

  const get = (path: string, sub?: string, target = app) =>
    request(
      `${target.url}/${path}`,
      sub === undefined ? {} : { bearer: provider.accessToken({ sub }) },
    );

  it('CurrentUser of another application of the process knows nothing of the callers of this one', async () => {
    app.app.get(Orders).elsewhere = plain.app.get(Orders);

    const reply = await get('elsewhere', 'user-1');

    expect(reply.json()).toMatchObject({ here: { sub: 'user-1' }, there: { sub: null } });
  });

  it('CurrentUser is the caller in what handlers call, each request its own', async () => {
    const subjects = Array.from({ length: 20 }, (_, index) => `user-${index % 5}`);

    const replies = await Promise.all(subjects.map((sub) => get('mine', sub)));

    expect(replies.map((reply) => reply.json()['sub'])).toEqual(subjects);
    expect(replies[0]?.json()).toMatchObject({
      roles: expect.arrayContaining(['staff', 'admins']),
      email: 'alice@example.org',
    });
  });

  it.each(['feed', 'open'])('CurrentUser is nobody for anonymous callers of %s', async (path) => {
    await get('mine', 'somebody');

    expect((await get(path)).json()).toMatchObject({ sub: null, roles: [], email: null });
  });

  it('CurrentUser is nobody outside of a call', async () => {
    expect(await app.app.get(Orders).mine()).toEqual({ sub: null, roles: [], email: null });
    expect((await app.app.resolve(CurrentUser)).claims).toBeUndefined();
  });

  it('verifiedClaims() serves interceptors, guards and filters that run after the guard', async () => {
    expect((await get('mine', 'bob')).json()).toMatchObject({ by: 'bob' });
    expect((await get('mine?sub=bob', 'bob')).status).toBe(200);
    expect((await get('mine?sub=eve', 'bob')).status).toBe(403);
    expect((await get('mine/7', 'bob')).json()).toEqual({ lost: 'bob' });
    expect((await get('open')).json()).not.toHaveProperty('by');
  });

  it('requestProperty leaves the claims on the request, on success only, and is off by default', async () => {
    expect((await get('property', 'bob')).json()).toMatchObject({ user: 'bob' });
    expect((await get('property')).json()).toMatchObject({ user: null });
    expect((await request(`${app.url}/property`, { bearer: 'not-a-token' })).json()).toMatchObject({
      user: null,
    });
    expect((await get('property', 'bob', plain)).json()).toMatchObject({ user: null });
  });
});
