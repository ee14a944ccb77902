import { Controller, type ExecutionContext, Get, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  Auth,
  AuthGuard,
  type AuthRule,
  type IdTokenClaims,
  IdToken,
  OidcConfigError,
  Public,
  createAuthDecorator,
} from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { allowServerError } from '../support/server-errors.js';

interface Case {
  readonly title: string;
  readonly onBase?: AuthRule | 'public';
  readonly onClass?: readonly (AuthRule | 'public')[];
  readonly onHandler?: readonly (AuthRule | 'public')[];
  /** What the token says beside the usual. */
  readonly token: Readonly<Record<string, unknown>> | undefined;
  readonly status: number;
}

const one = { roles: 'one' };
const two = { roles: 'two' };
const both = { realm_access: { roles: ['one', 'two'] } };
const first = { realm_access: { roles: ['one'] } };
const none = { realm_access: { roles: [] } };
const read = { scope: 'read' };

/** Rules in every place where they can stand, and what the sum of them says. */
const cases: readonly Case[] = [
  { title: 'role and role', onClass: [one], onHandler: [two], token: first, status: 403 },
  { title: 'role and role, both held', onClass: [one], onHandler: [two], token: both, status: 200 },
  { title: 'two on one handler', onHandler: [one, two], token: first, status: 403 },
  { title: 'two on one class', onClass: [one, two], token: first, status: 403 },
  { title: 'a base class', onBase: one, onHandler: [two], token: { groups: ['two'] }, status: 403 },
  { title: 'a base class, both held', onBase: one, onHandler: [two], token: both, status: 200 },
  {
    title: 'scopes of class and handler',
    onClass: [{ scopes: 'read' }],
    onHandler: [{ scopes: 'write' }],
    token: read,
    status: 403,
  },
  {
    title: 'scopes of class and handler, both held',
    onClass: [{ scopes: 'read' }],
    onHandler: [{ scopes: 'write' }],
    token: { scope: 'read write' },
    status: 200,
  },
  {
    title: 'role and scope',
    onClass: [one],
    onHandler: [{ scopes: 'read' }],
    token: read,
    status: 403,
  },
  {
    title: 'one of the roles',
    onHandler: [{ anyRole: ['zero', 'one'] }],
    token: first,
    status: 200,
  },
  {
    title: 'none of the roles',
    onHandler: [{ anyRole: ['zero', 'two'] }],
    token: first,
    status: 403,
  },
  {
    title: 'two lists of which one each is needed',
    onClass: [{ anyRole: ['zero', 'one'] }],
    onHandler: [{ anyRole: ['two', 'three'] }],
    token: first,
    status: 403,
  },
  {
    title: 'two lists of which one each is held',
    onClass: [{ anyRole: ['zero', 'one'] }],
    onHandler: [{ anyRole: ['two', 'three'] }],
    token: both,
    status: 200,
  },
  { title: 'one of the scopes', onHandler: [{ anyScope: 'read write' }], token: read, status: 200 },
  {
    title: 'none of the scopes',
    onHandler: [{ anyScope: ['write', 'own'] }],
    token: read,
    status: 403,
  },
  {
    title: 'any scope of each list',
    onClass: [{ anyScope: 'read' }],
    onHandler: [{ anyScope: 'write' }],
    token: read,
    status: 403,
  },
  {
    title: 'claims and claims',
    onClass: [{ claims: { tier: 'gold' } }],
    onHandler: [{ claims: { region: 'eu' } }],
    token: { region: 'eu' },
    status: 403,
  },
  {
    title: 'claims and claims, both held',
    onClass: [{ claims: { tier: 'gold' } }],
    onHandler: [{ claims: { region: 'eu' } }],
    token: { region: 'eu', tier: 'gold' },
    status: 200,
  },
  {
    title: 'claims: false, which lifts no claims of the class',
    onClass: [{ claims: { tier: 'gold' } }],
    onHandler: [{ claims: false }],
    token: {},
    status: 403,
  },
  {
    title: 'optional on the handler alone',
    onClass: [one],
    onHandler: [{ optional: true }],
    token: undefined,
    status: 401,
  },
  {
    title: 'optional on the class alone',
    onClass: [{ optional: true }],
    onHandler: [one],
    token: none,
    status: 403,
  },
  {
    title: 'optional on both',
    onClass: [{ optional: true }],
    onHandler: [{ optional: true, roles: 'one' }],
    token: none,
    status: 200,
  },
  {
    title: 'when on class and handler',
    onClass: [{ when: () => true }],
    onHandler: [{ when: () => false }],
    token: {},
    status: 403,
  },
  {
    title: 'when on class and handler, both true',
    onClass: [{ when: async () => true }],
    onHandler: [{ when: () => true }],
    token: {},
    status: 200,
  },
  {
    title: '@Public() on the handler',
    onClass: [one],
    onHandler: ['public'],
    token: undefined,
    status: 200,
  },
  { title: '@Public() on the class', onClass: ['public'], token: undefined, status: 200 },
  {
    title: '@Auth() under @Public()',
    onClass: ['public'],
    onHandler: [{}],
    token: undefined,
    status: 401,
  },
  {
    title: '@Public() on a base class',
    onBase: 'public',
    onHandler: [{}],
    token: undefined,
    status: 401,
  },
  {
    title: '@Public() over a base class',
    onBase: one,
    onClass: ['public'],
    token: undefined,
    status: 200,
  },
];

const apply = (declaration: AuthRule | 'public') =>
  declaration === 'public' ? Public() : Auth(declaration);

function controllerOf(
  { onBase, onClass = [], onHandler = [] }: Omit<Case, 'title' | 'token' | 'status'>,
  path: string,
): Type {
  class Base {}
  if (onBase !== undefined) apply(onBase)(Base);
  class Routes extends Base {
    get(): object {
      return {};
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Routes.prototype, 'get') ?? {};
  for (const declaration of onHandler) apply(declaration)(Routes.prototype, 'get', descriptor);
  for (const declaration of onClass) apply(declaration)(Routes);
  Get()(Routes.prototype, 'get', descriptor);
  Controller(path)(Routes);
  return Routes;
}

const Staff = createAuthDecorator({ anyRole: ['staff', 'admins'] });

@Controller('users')
class UserRoutes {
  @Get(':user')
  @Auth({
    when: ({ sub }, context: ExecutionContext) =>
      context.switchToHttp().getRequest<{ params: { user: string } }>().params.user === sub,
  })
  own(): object {
    return {};
  }

  @Get('fault/thrown')
  @Auth({
    when: () => {
      throw new Error('the lookup of the tenant failed');
    },
  })
  thrown(): object {
    return {};
  }

  @Get('fault/truthy')
  // @ts-expect-error -- what a host without types may write
  @Auth({ when: () => 'yes' })
  truthy(): object {
    return {};
  }

  @Get('team/staff')
  @Staff()
  staff(): object {
    return {};
  }

  @Get('team/readers')
  @Staff({ scopes: 'read' })
  readers(@IdToken('roles') roles: readonly string[], @IdToken() token: IdTokenClaims): object {
    return { roles, said: token['roles'] ?? null };
  }
}

@Public()
class OpenBase {
  @Get('inherited')
  inherited(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

@Controller('child')
class Child extends OpenBase {
  @Get('own')
  own(): object {
    return {};
  }
}

@Controller('grandchild')
class Grandchild extends Child {
  override own(): object {
    return super.own();
  }
}

@Controller('open-child')
@Public()
class OpenChild extends OpenBase {}

const get = (target: TestApp, path: string, bearer?: string): Promise<Reply> =>
  request(`${target.url}/${path}`, bearer === undefined ? {} : { bearer });

describe.each(adapters)('rules that add up on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let guarded: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const controllers = [
      ...cases.map((one_, index) => controllerOf(one_, `case-${index}`)),
      UserRoutes,
      Child,
      Grandchild,
      OpenChild,
    ];
    app = await startApp({ adapter, provider, controllers });
    const providers = [{ provide: APP_GUARD, useExisting: AuthGuard }];
    guarded = await startApp({ adapter, provider, controllers, providers });
  });

  afterAll(async () => {
    await Promise.all([app.close(), guarded.close()]);
    await provider.close();
  });

  it.each(cases.map((row, index) => ({ ...row, index })))(
    '$title: $status',
    async ({ token, status, index }) => {
      const bearer =
        token === undefined ? undefined : provider.accessToken({ groups: [], ...token });

      expect((await get(guarded, `case-${index}`, bearer)).status).toBe(status);
      expect((await get(app, `case-${index}`, bearer)).status).toBe(status);
    },
  );

  it('GW-1: a base class’s @Public() opens nothing in classes that extend it, under a guard of the whole application', async () => {
    const paths = ['child/inherited', 'child/own', 'grandchild/inherited'];

    for (const path of paths) {
      expect([path, (await get(guarded, path)).status]).toEqual([path, 401]);
      expect([path, (await get(guarded, path, provider.accessToken())).status]).toEqual([
        path,
        200,
      ]);
    }
  });

  it('GW-1: @Public() on an inherited handler opens it, and on the class itself what it inherits', async () => {
    for (const path of ['child/open', 'grandchild/open', 'open-child/inherited']) {
      expect([path, (await get(guarded, path)).status]).toEqual([path, 200]);
    }
    expect((await get(guarded, 'open-child/inherited')).json()).toEqual({ sub: null });
  });

  it('when compares claims with the route, and says no clearly', async () => {
    const alice = provider.accessToken();

    expect((await get(app, 'users/sub-0001-alice', alice)).status).toBe(200);
    const refused = await get(app, 'users/somebody-else', alice);
    expect(refused.status).toBe(403);
    expect(refused.json()).toMatchObject({ error: 'insufficient_scope' });
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect((await get(app, 'users/sub-0001-alice')).status).toBe(401);
  });

  it('when lets through on exactly true', async () => {
    expect((await get(app, 'users/fault/truthy', provider.accessToken())).status).toBe(403);
  });

  it('when that throws: 500, and the log has what was thrown', async () => {
    allowServerError();
    const linesBefore = app.logs().length;

    const reply = await get(app, 'users/fault/thrown', provider.accessToken());

    expect(reply.status).toBe(500);
    expect(reply.text()).not.toContain('tenant');
    expect(app.logs().slice(linesBefore).join('\n')).toContain('the lookup of the tenant failed');
  });

  it('a decorator of a team’s own demands its rule, and what it is given besides', async () => {
    const staff = { realm_access: { roles: ['staff'] } };
    expect((await get(app, 'users/team/staff', provider.accessToken(staff))).status).toBe(200);
    expect(
      (await get(app, 'users/team/staff', provider.accessToken({ ...none, groups: [] }))).status,
    ).toBe(403);
    expect((await get(app, 'users/team/readers', provider.accessToken(staff))).status).toBe(403);
    const reader = provider.accessToken({ ...staff, ...read, groups: ['g'] });
    expect((await get(app, 'users/team/readers', reader)).json()).toEqual({
      roles: ['staff', 'g', 'editor'],
      said: null,
    });
  });

  it.each([
    ['@Auth() over @Public()', [{}, 'public']],
    ['@Public() over @Auth()', ['public', {}]],
  ] as const)('%s on one target is refused when the class is made', (_, onHandler) => {
    expect(() => controllerOf({ onHandler }, 'x')).toThrow(OidcConfigError);
    expect(() => controllerOf({ onClass: onHandler }, 'x')).toThrow(
      /@Auth\(\) and @Public\(\) are both on/,
    );
  });

  it.each([
    ['anyRole', { anyRole: [] }],
    ['anyScope', { anyScope: '' }],
    ['anyScope', { anyScope: ['a b'] }],
    ['when', { when: null }],
    ['when', { when: true }],
  ])('an unusable %s is refused: %j', (member, rule) => {
    // @ts-expect-error -- what a host without types may write
    expect(() => Auth(rule)).toThrow(new RegExp(member));
  });
});
