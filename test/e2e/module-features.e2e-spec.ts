import { Controller, Get, Injectable, Module, type INestApplication } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import {
  Auth,
  AuthGuard,
  IdToken,
  OAuthError,
  OidcAuthModule,
  OidcEvents,
  OidcService,
} from '../../lib/index.js';
import { adapters, appOptions, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { RecordingLogger } from '../support/recording-logger.js';

@Injectable()
class FeatureService {
  constructor(
    readonly oidc: OidcService,
    readonly events: OidcEvents,
  ) {}
}

@Controller('feature')
class FeatureController {
  constructor(private readonly feature: FeatureService) {}

  @Get()
  @Auth()
  get(@IdToken('sub') sub: string): object {
    return { sub, injected: this.feature.oidc instanceof OidcService };
  }
}

/** A module of the host that knows nothing of ours. */
@Module({ controllers: [FeatureController], providers: [FeatureService] })
class FeatureModule {}

@Module({ providers: [FeatureService], exports: [FeatureService] })
class LazyModule {}

describe.each(adapters)('modules on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  it('feature modules use the guard and the service without importing the module', async () => {
    const app = await startApp({ adapter, provider, imports: [FeatureModule] });
    onTestFinished(() => app.close());

    const reply = await request(`${app.url}/feature`, { bearer: provider.accessToken() });

    expect(reply.json()).toEqual({ sub: 'sub-0001-alice', injected: true });
    expect((await request(`${app.url}/feature`)).status).toBe(401);
  });

  it('a module that is loaded later gets the same service', async () => {
    const app = await startApp({ adapter, provider });
    onTestFinished(() => app.close());

    const loaded = await app.app.get(LazyModuleLoader).load(() => LazyModule);
    const { oidc } = loaded.get(FeatureService);

    expect(oidc).toBe(app.service);
    await expect(oidc.verify(provider.accessToken())).resolves.toMatchObject({
      sub: 'sub-0001-alice',
    });
  });

  it('two applications of one process keep to their own options and providers', async () => {
    const second = await startMisbehavingProvider({
      clientId: 'second-client',
      clientSecret: 'second-client-secret-of-32-characters-or-more',
      audience: 'second-aud',
    });
    const one = await startApp({ adapter, provider, controllers: [GuardedRoutes] });
    const other = await startApp({
      adapter: adapter === 'express' ? 'fastify' : 'express',
      provider: second,
      controllers: [GuardedRoutes],
      globalPrefix: 'v',
      options: {
        clientId: 'second-client',
        audience: 'second-aud',
        scopes: 'email',
        routes: { prefix: '/other', login: '/in', device: false },
        loopbackRedirects: { paths: ['/elsewhere'] },
      },
    });
    onTestFinished(async () => {
      await Promise.all([one.close(), other.close()]);
      await second.close();
    });
    const statuses = async (token: string): Promise<number[]> => [
      (await request(`${one.url}/required`, { bearer: token })).status,
      (await request(`${other.url}/v/required`, { bearer: token })).status,
    ];

    expect(await statuses(provider.accessToken())).toEqual([200, 401]);
    expect(await statuses(second.accessToken())).toEqual([401, 200]);
    const login = await request(
      `${other.url}/v/other/in?redirect_uri=http://localhost:53100/elsewhere`,
    );
    expect(login.location?.origin).toBe(second.issuer);
    expect(login.location?.searchParams.get('client_id')).toBe('second-client');
    expect(login.location?.searchParams.get('scope')).toBe('openid email');
    const first = await request(
      `${one.url}/auth/v2/login?redirect_uri=http://localhost:53100/elsewhere`,
    );
    expect(first.status).toBe(400);
    expect((await request(`${other.url}/auth/v2/login`)).status).toBe(404);
    expect((await request(`${one.url}/auth/v2/device`, { form: {} })).status).toBe(200);
  });

  it('a handle of one application is worth nothing at another with other keys', async () => {
    const options = { encryptionKeys: ['another-encryption-key-of-32-characters'] };
    const one = await startApp({ adapter, provider });
    const other = await startApp({ adapter, provider, options });
    onTestFinished(async () => {
      await Promise.all([one.close(), other.close()]);
    });

    const reply = await postToken(other, handleForm(await openLogin(one)));

    expect(reply.status).toBe(400);
    expect(reply.json()['error']).toBe('invalid_grant');
  });
});

/** As Nest's own documentation starts applications in tests: the container comes before the HTTP adapter. */
async function startTestingApp(
  adapter: AdapterName,
  provider: MisbehavingProvider,
): Promise<Pick<TestApp, 'url'> & { app: INestApplication }> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const builder = Test.createTestingModule({
    imports: [OidcAuthModule.forRoot(appOptions({ provider }, url))],
    controllers: [GuardedRoutes],
  });
  const compiled = await builder.setLogger(new RecordingLogger()).compile();
  const app =
    adapter === 'fastify'
      ? compiled.createNestApplication(new FastifyAdapter())
      : compiled.createNestApplication();
  onTestFinished(() => app.close());
  await app.listen(port, '127.0.0.1');
  return { app, url };
}

describe.each(adapters)('a testing module on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  it('logs people in and guards handlers', async () => {
    const app = await startTestingApp(adapter, provider);

    const tokens = await postToken(app, handleForm(await openLogin(app)));
    const bearer = String(tokens.json()['access_token']);

    expect(tokens.status).toBe(200);
    expect((await request(`${app.url}/required`, { bearer })).status).toBe(200);
  });

  it('has our headers and checks of bodies', async () => {
    const app = await startTestingApp(adapter, provider);
    const send = (body: string, type: string, length = String(body.length)) =>
      request(`${app.url}/auth/v2/token`, {
        method: 'POST',
        body,
        headers: { 'content-type': type, 'content-length': length },
      });

    const replies = [
      await send('{"code":"a"}', 'application/json'),
      await send('<a/>', 'text/xml'),
      await send('code[a]=1&redirect_uri=x', 'application/x-www-form-urlencoded'),
      await send('code=a&code=b', 'application/x-www-form-urlencoded'),
    ];

    for (const reply of replies) {
      expect(reply.status).toBe(400);
      expect(reply.json()).toMatchObject({ statusCode: 400, error: 'invalid_request' });
      expect(reply.headers.get('cache-control')).toBe('no-store');
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('lets a test replace the guard', async () => {
    const builder = Test.createTestingModule({
      imports: [OidcAuthModule.forRoot(appOptions({ provider }, 'https://app.example.org'))],
      controllers: [FeatureController],
      providers: [FeatureService],
    });
    const compiled = await builder
      .overrideGuard(AuthGuard)
      .useValue({ canActivate: () => false })
      .setLogger(new RecordingLogger())
      .compile();
    const app =
      adapter === 'fastify'
        ? compiled.createNestApplication(new FastifyAdapter())
        : compiled.createNestApplication();
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');

    const { status } = await request(`${await app.getUrl()}/feature`);

    expect(status).toBe(403);
  });
});

describe('an application without HTTP', () => {
  it('has the service, which logs in, verifies and refuses', async () => {
    const provider = await startMisbehavingProvider();
    const options = appOptions({ provider }, 'https://app.example.org');
    const context = await NestFactory.createApplicationContext(OidcAuthModule.forRoot(options), {
      logger: new RecordingLogger(),
      abortOnError: false,
    });
    onTestFinished(async () => {
      await context.close();
      await provider.close();
    });
    const oidc = context.get(OidcService);
    const redirectUri = 'http://localhost:53100/callback';

    const { url, cookies } = await oidc.login({ redirectUri });
    const { location } = await request(url);
    const state = location?.searchParams.get('state') ?? '';
    const { tokens } = await oidc.token({
      code: location?.searchParams.get('code') ?? '',
      redirectUri,
      codeVerifier: state.slice(state.lastIndexOf('|') + 1),
    });
    const headers = { authorization: `Bearer ${tokens.access_token}` };

    expect(cookies).toEqual([]);
    expect(await oidc.verify(tokens.access_token)).toMatchObject({ sub: 'sub-0001-alice' });
    expect(await oidc.authenticate(headers, { roles: 'admins' })).toMatchObject({
      sub: 'sub-0001-alice',
    });
    expect(await oidc.authenticate(new Headers(headers))).toMatchObject({ sub: 'sub-0001-alice' });
    expect(await oidc.logout()).toContain(provider.issuer);
    await expect(oidc.authenticate({})).rejects.toThrow(OAuthError);
    await expect(oidc.verify('a.b.c')).rejects.toMatchObject({ error: 'invalid_token' });
    await expect(oidc.verify(tokens.access_token, { scopes: 'admin' })).rejects.toMatchObject({
      error: 'insufficient_scope',
    });
    await expect(
      oidc.authenticate({ authorization: 'Bearer a', Authorization: 'Bearer b' }),
    ).rejects.toMatchObject({ error: 'invalid_request' });
  });
});
