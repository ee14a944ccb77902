import { EventEmitter, once } from 'node:events';

import { HttpException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { flowAdapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { unsigned } from '../support/compact-jws.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { tally } from '../support/verifier.js';

/** Longer than any machine takes. */
const PATIENCE_MS = 110_000;

/** Refuses everything, as a throttler does when its limit is reached. */
@Injectable()
class Throttler implements CanActivate {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  canActivate(context: ExecutionContext): boolean {
    const response: unknown = context.switchToHttp().getResponse();
    this.adapterHost.httpAdapter.setHeader(response, 'Retry-After', '60');
    throw new HttpException('ThrottlerException: Too Many Requests', 429);
  }
}

describe.each(flowAdapters)('limits on %s', { timeout: 2 * PATIENCE_MS }, (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(() => provider.close());

  const start = async ({ options, ...more }: Partial<AppOptions> = {}): Promise<TestApp> => {
    const app = await startApp({
      adapter,
      provider,
      controllers: [GuardedRoutes],
      options: { timeoutMs: PATIENCE_MS, ...options },
      ...more,
    });
    onTestFinished(() => app.close());
    return app;
  };

  /** Lets the token endpoint think about every request, and tells of it, until it is released. */
  const holdTokenEndpoint = (heard: () => void = () => undefined): (() => void) => {
    const held = new EventEmitter();
    const released = once(held, 'release');
    provider.behaviour.token = async (_form, usual) => {
      heard();
      await released;
      return usual();
    };
    return () => void held.emit('release');
  };

  /** Posts so many at once; the endpoint answers none before all the others have an answer. */
  const postAtOnce = async (app: TestApp, count: number): Promise<Reply[]> => {
    let decided = 0;
    const decide = (): void => {
      decided += 1;
      if (decided === count) release();
    };
    const release = holdTokenEndpoint(decide);
    return Promise.all(
      Array.from({ length: count }, async () => {
        const form = { refresh_token: 'any-refresh-token' };
        const reply = await request(`${app.url}/auth/v2/token`, { form, timeoutMs: PATIENCE_MS });
        decide();
        return reply;
      }),
    );
  };

  it('DS-4: 1,000 posts at once make 50 calls, and the others hear at once when to come back', async () => {
    const app = await start();
    await openLogin(app); // metadata is known

    const replies = await postAtOnce(app, 1000);

    const refused = replies.filter(({ status }) => status === 503);
    expect(provider.requestsTo('token')).toHaveLength(50);
    expect(refused).toHaveLength(950);
    for (const reply of refused) {
      expectRefusal(reply, 503, 'temporarily_unavailable');
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  it('DS-4: the option "maxUpstreamCalls" counts', async () => {
    const app = await start({ options: { maxUpstreamCalls: 3 } });
    await openLogin(app);

    const replies = await postAtOnce(app, 20);

    expect(tally(replies.map(({ status }) => String(status)))).toEqual({ 400: 3, 503: 17 });
    expect(provider.requestsTo('token')).toHaveLength(3);
  });

  it('DS-4: nothing is spent by a refusal for lack of room', async () => {
    const app = await start({ options: { maxUpstreamCalls: 1 } });
    const login = await openLogin(app);
    await request(`${app.url}/required`, { bearer: provider.accessToken() }); // keys are known
    const release = holdTokenEndpoint();
    const stuck = postToken(app, { refresh_token: 'any-refresh-token' });
    while (provider.requestsTo('token').length === 0) await new Promise(setImmediate);

    const refused = await postToken(app, handleForm(login));
    const device = await postToken(app, { device_code: 'any-device-code' });
    release();
    await stuck;
    const afterwards = await postToken(app, handleForm(login));

    expectRefusal(refused, 503, 'temporarily_unavailable');
    expectRefusal(device, 400, 'slow_down');
    expect(afterwards.status).toBe(200);
  });

  it('DS-4: known tokens are accepted while there is no room', async () => {
    const app = await start({ options: { maxUpstreamCalls: 1 } });
    const bearer = provider.accessToken();
    await request(`${app.url}/required`, { bearer });
    const release = holdTokenEndpoint();
    const stuck = postToken(app, { refresh_token: 'any-refresh-token' });
    while (provider.requestsTo('token').length === 0) await new Promise(setImmediate);

    const replies = [
      await request(`${app.url}/required`, { bearer }),
      await request(`${app.url}/required`, { bearer: provider.accessToken() }),
      await request(`${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`),
      await request(`${app.url}/auth/v2/logout`),
    ];
    release();
    await stuck;

    expect(replies.map(({ status }) => status)).toEqual([200, 200, 302, 302]);
  });

  it('DS-4: unsigned, foreign and malformed tokens make no call at all', async () => {
    const app = await start();
    await request(`${app.url}/public`);
    const hostile = [
      provider.accessToken({}, {}, unsigned()),
      provider.accessToken({ iss: 'https://evil.example' }),
      'a.b.c',
      'x'.repeat(13_000),
      `${provider.accessToken()}.x`,
    ];

    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        request(`${app.url}/required`, { bearer: hostile[at % hostile.length] ?? '' }),
      ),
    );

    expect(tally(replies.map(({ status }) => String(status)))).toEqual({ 401: 200 });
    expect(provider.requests).toEqual([]);
  });

  it('DS-4: a hundred first logins at once ask for the metadata once', async () => {
    const app = await start();
    const url = `${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`;

    const replies = await Promise.all(Array.from({ length: 100 }, () => request(url)));

    expect(tally(replies.map(({ status }) => String(status)))).toEqual({ 302: 100 });
    expect(provider.requests).toHaveLength(1);
  });

  it("DS-4: a throttler's 429 has our error body and its own Retry-After", async () => {
    const app = await start({ providers: [{ provide: APP_GUARD, useClass: Throttler }] });
    const url = `${app.url}/auth/v2`;
    const replies = [
      await request(`${url}/login?redirect_uri=http://localhost:53100/callback`),
      await request(`${url}/callback?state=x`),
      await postToken(app, { refresh_token: 'any-refresh-token' }),
      await request(`${url}/device`, { form: {} }),
      await request(`${url}/logout`),
      await request(`${url}/userinfo`),
      await request(`${url}/revoke`, { form: { token: 'any-refresh-token' } }),
    ];

    for (const reply of replies) {
      expect(reply.status).toBe(429);
      expect(reply.json()).toEqual({
        statusCode: 429,
        error: 'temporarily_unavailable',
        error_description: expect.any(String),
        detail: reply.json()['error_description'],
      });
      expect(reply.text()).not.toContain('Throttler');
      expect(reply.headers.get('retry-after')).toBe('60');
      expect(reply.headers.get('cache-control')).toBe('no-store');
    }
  });

  it("DS-4: a throttler's 429 becomes slow_down for a device that polls, in either spelling", async () => {
    const app = await start({ providers: [{ provide: APP_GUARD, useClass: Throttler }] });

    for (const name of ['device_code', 'device-code']) {
      const reply = await postToken(app, { [name]: 'any-device-code' });
      expect(reply.status).toBe(400);
      expect(reply.json()['error']).toBe('slow_down');
    }
  });
});
