import { Controller, Get, Post } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth, AuthGuard, IdToken, Public, type IdTokenClaims } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { allowServerError } from '../support/server-errors.js';

declare module 'nestjs-oidc-auth' {
  // oxlint-disable-next-line no-shadow -- this is how a host widens it
  interface IdTokenClaims {
    readonly loyalty_card?: { readonly number: string };
  }
}

@Controller('class')
@Auth({ roles: 'admins' })
class ClassRule {
  @Get('inherited')
  inherited(@IdToken('sub') sub: string): object {
    return { sub };
  }

  @Get('stricter')
  @Auth({ roles: ['admins', 'owners'] })
  stricter(): object {
    return {};
  }

  @Get('other')
  @Auth({ scopes: 'myscope' })
  other(): object {
    return {};
  }

  @Get('optional')
  @Auth({ optional: true })
  optional(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

@Controller('plain')
class PlainRoutes {
  @Get()
  get(@IdToken('sub') sub: string): object {
    return { sub };
  }

  @Post()
  post(): object {
    return {};
  }

  @Get('optional')
  @Auth({ optional: true })
  optional(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }

  @Get('open')
  @Public()
  open(@IdToken('sub') sub?: string): object {
    return { sub: sub ?? null };
  }
}

@Controller('open')
@Public()
class OpenRoutes {
  @Get()
  get(@IdToken() token?: IdTokenClaims): object {
    return { type: typeof token };
  }

  @Get('closed')
  @Auth()
  closed(@IdToken('sub') sub: string): object {
    return { sub };
  }
}

@Controller('claims')
@Auth()
class ClaimRoutes {
  @Get()
  read(
    @IdToken() token: IdTokenClaims,
    @IdToken('email') email: string,
    @IdToken('realm_access.roles') roles: readonly string[],
    @IdToken('https://claims.example.org/tier') tier: string,
    @IdToken('missing') missing?: unknown,
    @IdToken('__proto__') proto?: unknown,
    @IdToken('constructor.name') maker?: unknown,
  ): object {
    const absent = [missing, proto, maker].map((value) => value === undefined);
    const frozen = Object.isFrozen(token) && Object.isFrozen(roles);
    const card: string | undefined = token.loyalty_card?.number;
    return { sub: token.sub, email, roles, tier, absent, frozen, card };
  }
}

@Controller('unguarded')
class UnguardedRoutes {
  @Get()
  forgotten(@IdToken() token: IdTokenClaims): object {
    return { sub: token.sub };
  }

  @Get('claim')
  forgottenClaim(@IdToken('email') email: string): object {
    return { email };
  }
}

const get = (target: TestApp, path: string, bearer?: string): Promise<Reply> =>
  request(`${target.url}/${path}`, bearer === undefined ? {} : { bearer });

describe.each(adapters)('decorators on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  /** The same controllers, with the guard on the whole application. */
  let guarded: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const controllers = [ClassRule, PlainRoutes, OpenRoutes, ClaimRoutes, UnguardedRoutes];
    app = await startApp({ adapter, provider, controllers });
    const providers = [{ provide: APP_GUARD, useExisting: AuthGuard }];
    guarded = await startApp({ adapter, provider, controllers, providers });
  });

  afterAll(async () => {
    await Promise.all([app.close(), guarded.close()]);
    await provider.close();
  });

  const bob = () => provider.accessToken({ sub: 'bob', realm_access: { roles: [] }, groups: [] });

  it('the rule of a controller holds for handlers without one', async () => {
    expect((await get(app, 'class/inherited')).status).toBe(401);
    expect((await get(app, 'class/inherited', bob())).status).toBe(403);
    expect((await get(app, 'class/inherited', provider.accessToken())).status).toBe(200);
  });

  it('the rules of a handler and of its controller add up', async () => {
    expect((await get(app, 'class/stricter', provider.accessToken())).status).toBe(403);
    expect((await get(app, 'class/other', bob())).status).toBe(403);
    expect((await get(app, 'class/other', provider.accessToken())).status).toBe(200);
    expect((await get(app, 'class/optional')).status).toBe(401);
    expect((await get(app, 'class/optional', bob())).status).toBe(403);
    expect((await get(app, 'class/open')).status).toBe(200);
    expect((await get(app, 'open/closed')).status).toBe(401);
    expect((await get(app, 'open/closed', bob())).json()).toEqual({ sub: 'bob' });
  });

  it('as APP_GUARD: every handler without a rule needs a token, on every method', async () => {
    expect((await get(guarded, 'plain')).status).toBe(401);
    expect((await request(`${guarded.url}/plain`, { form: {} })).status).toBe(401);
    expect((await request(`${guarded.url}/plain`, { method: 'HEAD' })).status).toBe(401);
    expect((await get(guarded, 'plain', bob())).json()).toEqual({ sub: 'bob' });
  });

  it('as APP_GUARD: rules of classes and handlers hold', async () => {
    expect((await get(guarded, 'class/inherited', bob())).status).toBe(403);
    expect((await get(guarded, 'class/other', bob())).status).toBe(403);
    expect((await get(guarded, 'plain/optional')).json()).toEqual({ sub: null });
    expect((await get(guarded, 'plain/optional', bob())).json()).toEqual({ sub: 'bob' });
    expect((await get(guarded, 'plain/optional', 'not-a-token')).json()).toEqual({ sub: null });
  });

  it('as APP_GUARD: @Public() lets everybody through, and believes no token', async () => {
    for (const bearer of [undefined, 'not-a-token', provider.accessToken()]) {
      expect((await get(guarded, 'plain/open', bearer)).json()).toEqual({ sub: null });
      expect((await get(guarded, 'open', bearer)).json()).toEqual({ type: 'undefined' });
    }
    expect((await get(guarded, 'open/closed')).status).toBe(401);
  });

  it('as APP_GUARD: our own routes stay open', async () => {
    expect((await get(guarded, 'auth/v2/login')).status).toBe(400);
    expect((await get(guarded, 'auth/v2/callback')).status).toBe(400);
    expect((await get(guarded, 'auth/v2/logout')).status).toBe(302);
    const url = `${guarded.url}/auth/v2`;
    expect((await request(`${url}/device`, { form: {} })).status).toBe(200);
    expect((await request(`${url}/token`, { form: {} })).status).toBe(400);
    expect((await request(`${url}/revoke`, { form: {} })).status).toBe(400);
  });

  it('@IdToken() hands out claims, one by path, frozen, and nothing inherited', async () => {
    const token = provider.accessToken({
      'https://claims.example.org/tier': 'gold',
      loyalty_card: { number: '4711' },
    });

    const reply = await get(app, 'claims', token);

    expect(reply.json()).toEqual({
      sub: 'sub-0001-alice',
      email: 'alice@example.org',
      roles: ['staff', 'admins'],
      tier: 'gold',
      absent: [true, true, true],
      frozen: true,
      card: '4711',
    });
  });

  it.each(['unguarded', 'unguarded/claim'])(
    '@IdToken() on %s, where no guard runs: 500 for everybody, and the log says what to add',
    async (path) => {
      allowServerError();
      const linesBefore = app.logs().length;

      const anonymous = await get(app, path);
      const named = await get(app, path, provider.accessToken());

      expect([anonymous.status, named.status]).toEqual([500, 500]);
      const logged = app.logs().slice(linesBefore).join('\n');
      expect(logged).toMatch(/ERROR .*@IdToken\(\) on UnguardedRoutes\.forgotten/s);
      expect(logged).toContain('Add @Auth()');
      expect(named.text()).not.toContain('UnguardedRoutes');
    },
  );

  it('@IdToken() on the same handlers works with the guard on the whole application', async () => {
    expect((await get(guarded, 'unguarded', bob())).json()).toEqual({ sub: 'bob' });
    expect((await get(guarded, 'unguarded')).status).toBe(401);
  });
});
