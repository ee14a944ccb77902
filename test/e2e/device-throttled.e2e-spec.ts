import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  HttpException,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { strictValidationPipe } from '../support/validation-pipe.js';

/** As `@nestjs/throttler` does it: a header of its own, and 429 from a guard on the whole application. */
class Throttler implements CanActivate {
  refusal: HttpException | undefined;
  adapterHost: HttpAdapterHost | undefined;

  canActivate(context: ExecutionContext): boolean {
    if (this.refusal === undefined) return true;
    const response: unknown = context.switchToHttp().getResponse();
    this.adapterHost?.httpAdapter.setHeader(response, 'Retry-After', '60');
    throw this.refusal;
  }
}

@Controller('host')
class HostController {
  @Get()
  get(): string {
    return 'ok';
  }
}

const TEXT = 'ThrottlerException: Too Many Requests';
const tooMany = (): HttpException => new HttpException(TEXT, 429);

const hosts = adapters.flatMap((adapter) => [
  { adapter, host: 'parsers of its own', bodyParser: true },
  { adapter, host: 'no parsers', bodyParser: false },
]);

describe.each(hosts)('a throttler on $adapter with $host', ({ adapter, bodyParser }) => {
  const clock = new FakeClock();
  const throttler = new Throttler();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({
      adapter,
      provider,
      clock,
      bodyParser,
      controllers: [HostController],
      configure: (nest) => {
        throttler.adapterHost = nest.get(HttpAdapterHost);
        nest.useGlobalGuards(throttler);
        nest.useGlobalPipes(strictValidationPipe());
      },
    });
  });

  afterEach(() => {
    throttler.refusal = undefined;
    provider.clearRequests();
    clock.advance(60);
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each([
    ['429', tooMany()],
    ['503', new ServiceUnavailableException(TEXT)],
  ])('DV-2: that answers %s tells a polling device to slow down', async (_, refusal) => {
    const { deviceCode, userCode } = await startDevice(app);
    provider.approveDevice(userCode);
    provider.clearRequests();

    throttler.refusal = refusal;
    const refused = [
      await pollDevice(app, deviceCode),
      await postToken(app, { device_code: deviceCode }),
      await postToken(app, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: deviceCode,
      }),
    ];
    const calls = provider.requests.length;
    throttler.refusal = undefined;
    const done = await pollDevice(app, deviceCode);

    for (const reply of refused) {
      expect(reply.status).toBe(400);
      expect(reply.json()).toEqual({
        statusCode: 400,
        error: 'slow_down',
        error_description: expect.any(String),
        detail: expect.any(String),
      });
      expect(reply.text()).not.toContain('Throttler');
    }
    expect(calls).toBe(0);
    expect(done.status).toBe(200);
  });

  it('DV-2: leaves 429 with our body and its own header on everything else of ours', async () => {
    const form = handleForm(await openLogin(app));
    throttler.refusal = tooMany();
    const base = `${app.url}/auth/v2`;

    const replies = [
      await postToken(app, form),
      await postToken(app, { refresh_token: 'any', scope: 'device_code' }),
      await postToken(app, {}),
      await request(`${base}/device`, { form: {} }),
      await request(`${base}/revoke`, { form: { token: 'any' } }),
      await request(`${base}/login?redirect_uri=http://localhost:1/callback`),
      await request(`${base}/callback?code=a&state=b`),
      await request(`${base}/logout`),
      await request(`${base}/userinfo`, { bearer: 'any' }),
    ];

    for (const reply of replies) {
      expect(reply.status).toBe(429);
      expect(reply.json()).toEqual({
        statusCode: 429,
        error: 'temporarily_unavailable',
        error_description: expect.any(String),
        detail: expect.any(String),
      });
      expect(reply.text()).not.toContain('Throttler');
      expect(reply.headers.get('retry-after')).toBe('60');
      expect(reply.headers.get('cache-control')).toBe('no-store');
    }
    throttler.refusal = undefined;
    expect((await postToken(app, form)).status).toBe(200);
  });

  it('DV-2: keeps its own body on the routes of the host', async () => {
    throttler.refusal = tooMany();

    const reply = await request(`${app.url}/host`);

    expect(reply.json()).toEqual({ statusCode: 429, message: TEXT });
  });

  it('DV-2: is no reason to slow down when it refuses for good', async () => {
    throttler.refusal = new UnauthorizedException();

    const reply = await pollDevice(app, 'any');

    expect(reply.status).toBe(401);
    expect(reply.json()).toMatchObject({ statusCode: 401, error: 'invalid_token' });
  });
});
