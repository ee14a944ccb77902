import {
  Catch,
  HttpException,
  Injectable,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, HttpAdapterHost } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OAuthError } from '../../lib/index.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { ownCallback } from '../support/own-callback.js';
import { strictValidationPipe } from '../support/validation-pipe.js';
import { UserAgent } from '../support/user-agent.js';

/** As many hosts do to all of their answers. */
@Injectable()
class WrapInData implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

/** Tells in its own words of every exception of the kind it is for. */
@Injectable()
class TellingFilter implements ExceptionFilter {
  static readonly caught: unknown[] = [];

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: HttpException, host: ArgumentsHost): void {
    TellingFilter.caught.push(error);
    const response: unknown = host.switchToHttp().getResponse();
    this.adapterHost.httpAdapter.reply(response, { problem: error.message }, error.getStatus());
  }
}

@Catch(OAuthError)
@Injectable()
class OAuthErrorFilter extends TellingFilter {}

@Catch(HttpException)
@Injectable()
class HttpExceptionFilter extends TellingFilter {}

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    throw new HttpException({ message: 'canary-of-the-host' }, 418);
  }
}

const members = (body: Record<string, unknown>): string[] => Object.keys(body).toSorted();

/** The answers of all our routes in a whole login and logout. */
const everyRoute = async (app: TestApp): Promise<Record<string, unknown>> => {
  const agent = new UserAgent();
  const login = `${app.url}/auth/v2/login?redirect_uri=${encodeURIComponent(ownCallback(app))}`;
  const callback = await agent.get(login);
  const token = await postToken(app, handleForm(await openLogin(app)));
  const tokens = token.json();
  const refresh = await postToken(app, { 'refresh-token': String(tokens['refresh_token']) });
  const device = await request(`${app.url}/auth/v2/device`, { method: 'POST' });
  const poll = await postToken(app, { 'device-code': String(device.json()['device_code']) });
  const bearer = String(tokens['access_token']);
  const userinfo = await request(`${app.url}/auth/v2/userinfo`, { bearer });
  const revoke = await request(`${app.url}/auth/v2/revoke`, { form: { token: bearer } });
  const logout = await request(`${app.url}/auth/v2/logout`);
  const guarded = await request(`${app.url}/required`, { bearer });
  return {
    callback: members(callback.json()),
    token: members(tokens),
    refresh: refresh.status,
    device: members(device.json()),
    poll: [poll.status, poll.json()['error']],
    userinfo: members(userinfo.json()),
    revoke: [revoke.status, revoke.text()],
    logout: logout.status,
    guarded: guarded.json(),
  };
};

describe.each(adapters)('settings of the host on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(() => {
    TellingFilter.caught.length = 0;
    GuardedRoutes.reached.length = 0;
  });

  afterAll(() => provider.close());

  const start = async (options: Partial<AppOptions>): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, controllers: [GuardedRoutes], ...options });
    onTestFinished(() => app.close());
    return app;
  };

  const tokenMembers = [
    'access_token',
    'expires',
    'expires_in',
    'refresh_expires',
    'refresh_token',
    'scope',
    'token_type',
  ];
  const usual = {
    callback: tokenMembers,
    token: tokenMembers,
    refresh: 200,
    device: [
      'device_code',
      'expires_in',
      'interval',
      'user_code',
      'verification_uri',
      'verification_uri_complete',
    ],
    poll: [400, 'authorization_pending'],
    userinfo: ['email', 'first_name', 'last_name', 'pw_name', 'username'],
    revoke: [200, '{}'],
    logout: 302,
    guarded: { iss: expect.any(String), sub: 'sub-0001-alice' },
  };

  it('a strict ValidationPipe on everything changes nothing', async () => {
    const app = await start({
      configure: (host) => void host.useGlobalPipes(strictValidationPipe()),
    });

    expect(await everyRoute(app)).toEqual(usual);
  });

  it('bodyParser: false changes nothing', async () => {
    expect(await everyRoute(await start({ bodyParser: false }))).toEqual(usual);
  });

  it('an interceptor that wraps every answer wraps those of the host alone', async () => {
    const provided = await start({
      providers: [{ provide: APP_INTERCEPTOR, useClass: WrapInData }],
    });
    const used = await start({
      configure: (host) => void host.useGlobalInterceptors(new WrapInData()),
    });

    const wrapped = { ...usual, guarded: { data: usual.guarded } };
    expect(await everyRoute(provided)).toEqual(wrapped);
    expect(await everyRoute(used)).toEqual(wrapped);
  });

  it.each([
    ['OAuthError', OAuthErrorFilter],
    ['HttpException', HttpExceptionFilter],
  ])('a filter for %s runs on refusals of guards and of our routes', async (_kind, Filter) => {
    const app = await start({ providers: [{ provide: APP_FILTER, useClass: Filter }] });

    const replies = [
      await request(`${app.url}/required`),
      await request(`${app.url}/scoped`, { bearer: provider.accessToken() }),
      await request(`${app.url}/auth/v2/login`),
      await request(`${app.url}/auth/v2/callback`),
      await postToken(app, { refresh_token: 'any-refresh-token' }),
      await request(`${app.url}/auth/v2/userinfo`),
      await request(`${app.url}/auth/v2/logout?post_logout_redirect_uri=//evil.example`),
    ];

    expect(replies.map(({ status }) => status)).toEqual([401, 403, 400, 400, 400, 401, 400]);
    for (const reply of replies) expect(reply.json()).toEqual({ problem: expect.any(String) });
    expect(TellingFilter.caught).toHaveLength(replies.length);
    for (const error of TellingFilter.caught) expect(error).toBeInstanceOf(OAuthError);
    for (const { status, headers } of replies) {
      expect(headers.has('www-authenticate')).toBe(status === 401 || status === 403);
    }
  });

  it('a filter for everything runs on refusals, and is not asked about good answers', async () => {
    @Catch()
    class EverythingFilter extends HttpExceptionFilter {}
    const app = await start({
      configure: (host) => {
        host.useGlobalFilters(new EverythingFilter(host.get(HttpAdapterHost)));
      },
    });

    expect(await everyRoute(app)).toEqual({ ...usual, poll: [400, undefined] });
    expect(TellingFilter.caught).toHaveLength(1); // the poll
  });

  it("a guard of the host that refuses is answered with our body, without the host's words", async () => {
    const app = await start({ providers: [{ provide: APP_GUARD, useClass: ClosedGuard }] });

    const reply = await request(`${app.url}/auth/v2/userinfo`);

    expect(reply.status).toBe(418);
    expect(reply.json()).toMatchObject({ statusCode: 418, error: 'invalid_request' });
    expect(reply.text()).not.toContain('canary');
  });
});
