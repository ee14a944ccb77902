import { Controller, Get, type INestApplication } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';

import {
  Auth,
  AuthGuard,
  Authenticator,
  Clock,
  IdToken,
  type IdTokenClaims,
  OidcAuthModule,
  type OidcAuthOptions,
  OidcService,
} from '../../lib/index.js';
import { TestIssuer, mockIdentity } from '../../lib/testing/index.js';
import { adapters } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-request.js';
import { UserAgent } from '../support/user-agent.js';

@Controller()
class Routes {
  constructor(private readonly oidc: OidcService) {}

  @Get('own-token')
  ownToken(): Promise<string> {
    return this.oidc.clientCredentials({ scope: 'orders:read' });
  }

  @Get('me')
  @Auth()
  me(@IdToken() token: IdTokenClaims, @IdToken('roles') roles: readonly string[]): object {
    return { sub: token.sub, roles };
  }

  @Get('admins')
  @Auth({ roles: 'admins', scopes: 'orders:read', when: ({ sub }) => sub !== 'mallory' })
  admins(): object {
    return {};
  }

  @Get('vault')
  @Auth({ acr: 'gold', maxAgeSec: 60 })
  vault(): object {
    return {};
  }

  @Get('feed')
  @Auth({ optional: true })
  feed(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }

  @Get('plain')
  plain(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }
}

const unreachable = (publicUrl: string): OidcAuthOptions => ({
  clientId: 'c',
  discoveryUrl: 'https://nowhere.invalid',
  audience: 'a',
  publicUrl,
});

describe.each(adapters)('what hosts test with, on %s', (adapter) => {
  const closing: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    while (closing.length > 0) await closing.pop()?.();
  });

  const open = async (
    options: (url: string) => OidcAuthOptions,
    customise: (builder: ReturnType<typeof Test.createTestingModule>) => void,
    whole = false,
  ): Promise<string> => {
    const port = await freePort();
    const url = `http://localhost:${port}`;
    const builder = Test.createTestingModule({
      imports: [OidcAuthModule.forRoot(options(url))],
      controllers: [Routes],
      providers: whole ? [{ provide: APP_GUARD, useExisting: AuthGuard }] : [],
    });
    customise(builder);
    const compiled = await builder.compile();
    const app: INestApplication = compiled.createNestApplication(
      adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
    );
    await app.listen(port, '127.0.0.1');
    closing.push(() => app.close());
    return url;
  };

  it.each([
    ['@UseGuards', false],
    ['APP_GUARD', true],
  ])('mockIdentity() is the caller without a provider, under %s', async (_, whole) => {
    const caller = mockIdentity({ sub: 'alice', roles: ['admins'], scope: 'orders:read' });
    const url = await open(
      unreachable,
      (builder) => builder.overrideProvider(Authenticator).useValue(caller),
      whole,
    );
    const get = async (path: string) => {
      const reply = await request(`${url}/${path}`);
      return [reply.status, reply.status === 200 ? reply.json() : reply.json()['error']];
    };

    expect(await get('me')).toEqual([200, { sub: 'alice', roles: ['admins'] }]);
    expect(await get('admins')).toEqual([200, {}]);
    caller.become({ sub: 'mallory', roles: ['admins'], scope: 'orders:read' });
    expect(await get('admins')).toEqual([403, 'insufficient_scope']);
    caller.become({ sub: 'bob', roles: ['guests'], scope: 'orders:read' });
    expect(await get('admins')).toEqual([403, 'insufficient_scope']);
    expect(await get('feed')).toEqual([200, { sub: 'bob' }]);
    caller.become(undefined);
    expect(await get('me')).toEqual([401, 'invalid_token']);
    expect(await get('feed')).toEqual([200, { sub: null }]);
    if (whole) expect(await get('plain')).toEqual([401, 'invalid_token']);
  });

  const issuerAndApp = async (broker?: OidcAuthOptions['broker']) => {
    const issuer = await TestIssuer.start();
    closing.push(() => issuer.close());
    const url = await open(
      (publicUrl) => ({
        ...issuer.options,
        publicUrl,
        loginParameters: ['acr_values', 'max_age'],
        ...(broker === undefined ? {} : { broker }),
      }),
      (builder) => builder.overrideProvider(Clock).useValue(issuer.clock),
    );
    return { issuer, url };
  };

  it('TestIssuer gives the application a token of its own', async () => {
    const { issuer, url } = await issuerAndApp();

    const token = (await request(`${url}/own-token`)).text();

    expect(decodeJwt(token)).toMatchObject({ sub: issuer.options.clientId, scope: 'orders:read' });
    expect((await request(`${url}/me`, { bearer: token })).status).toBe(200);
  });

  it('TestIssuer.token({ bound }) needs the proof that proof() makes, by the clock of the issuer', async () => {
    const { url, issuer } = await issuerAndApp();
    const token = await issuer.token({ sub: 'alice', bound: true });
    const me = async (dpop?: string): Promise<number> => {
      const headers = { authorization: `DPoP ${token}`, ...(dpop === undefined ? {} : { dpop }) };
      return (await request(`${url}/me`, { headers })).status;
    };
    const proof = await issuer.proof({ method: 'GET', url: `${url}/me?a=b`, token });

    expect([await me(proof), await me(proof), await me()]).toEqual([200, 401, 401]);
    expect((await request(`${url}/me`, { bearer: token })).status).toBe(401);
    const later = await issuer.proof({ method: 'GET', url: `${url}/me`, token });
    issuer.moveClock(61);
    expect(await me(later)).toBe(401);
    expect(await me(await issuer.proof({ method: 'GET', url: `${url}/me`, token }))).toBe(200);
  });

  it('TestIssuer.token() is let in with the roles and scopes that the test says', async () => {
    const { issuer, url } = await issuerAndApp();
    const status = async (path: string, bearer: string) =>
      (await request(`${url}/${path}`, { bearer })).status;

    const token = await issuer.token({ sub: 'alice', roles: ['admins'], scopes: ['orders:read'] });
    expect((await request(`${url}/me`, { bearer: token })).json()).toEqual({
      sub: 'alice',
      roles: ['admins'],
    });
    expect(await status('admins', token)).toBe(200);
    expect(await status('admins', await issuer.token({ roles: ['admins'] }))).toBe(403);
    expect(await status('me', await issuer.token({ expiresIn: -60 }))).toBe(401);
    expect(await status('me', await issuer.token({ aud: 'another' }))).toBe(401);
  });

  it('TestIssuer.token(), and mockIdentity(), are of a login of now, unless the test says another', async () => {
    const { issuer, url } = await issuerAndApp();
    const at = Math.floor(issuer.clock.now().getTime() / 1000);
    const ofToken = async (claims: object) => {
      const bearer = await issuer.token({ ...claims });
      return (await request(`${url}/vault`, { bearer })).status;
    };
    const caller = mockIdentity();
    const mocked = await open(unreachable, (builder) =>
      builder.overrideProvider(Authenticator).useValue(caller),
    );
    const ofMock = async (claims: object) => {
      caller.become({ ...claims });
      return (await request(`${mocked}/vault`)).status;
    };

    for (const outcome of [ofToken, ofMock]) {
      expect(await outcome({ acr: 'gold' })).toBe(200);
      expect(await outcome({})).toBe(401);
      expect(await outcome({ acr: 'gold', auth_time: at - 100 })).toBe(401);
    }
  });

  it('TestIssuer does what acr_values and max_age of a login ask for, and remembers who is logged in', async () => {
    const { issuer, url } = await issuerAndApp();
    const callback = encodeURIComponent(`${url}/auth/v2/callback`);
    const logIn = async (query: string) => {
      const reply = await new UserAgent().get(
        `${url}/auth/v2/login?redirect_uri=${callback}${query}`,
      );
      if (reply.status !== 200) throw new Error(String(reply.json()['error']));
      const { acr, auth_time: time } = decodeJwt(String(reply.json()['access_token']));
      return { acr, time: Number(time) };
    };

    const first = await logIn('');
    issuer.moveClock(100);
    const still = await logIn('&max_age=10000');
    const again = await logIn('&max_age=50');
    issuer.moveClock(100);
    const gold = await logIn('&acr_values=gold+platinum');
    issuer.moveClock(100);
    const stillGold = await logIn('');
    issuer.loginAs({ sub: 'bob' });
    const another = await logIn('');
    issuer.loginAs({ sub: 'carol', acr: 'bronze' });
    const other = logIn('&acr_values=gold');

    expect(still).toEqual(first);
    expect([again, gold, stillGold, another].map(({ acr }) => acr)).toEqual([
      undefined,
      'gold',
      'gold',
      undefined,
    ]);
    expect(again.time).toBeGreaterThan(first.time);
    expect(gold.time).toBeGreaterThan(again.time);
    expect(stillGold).toEqual(gold);
    expect(another.time).toBeGreaterThan(gold.time);
    await expect(other).rejects.toThrow('unmet_authentication_requirements');
  });

  it('TestIssuer.moveClock() ends tokens, rotateKeys() brings a key that verifies, fail() makes it fail', async () => {
    const { issuer, url } = await issuerAndApp();
    const status = async (bearer: string) => (await request(`${url}/me`, { bearer })).status;
    issuer.fail('jwks', 503);
    expect(await status(await issuer.token())).toBe(503);
    issuer.fail('jwks', undefined);
    issuer.moveClock(120);

    const before = await issuer.token();
    expect(await status(before)).toBe(200);
    await issuer.rotateKeys();
    expect(await status(await issuer.token({ jti: 'new key' }))).toBe(200);
    issuer.moveClock(400);
    expect(await status(before)).toBe(401);
  });

  it.each([
    ['passthrough', undefined],
    ['broker', { audience: 'api', store: 'memory://', signingAlgorithm: 'ES256' } as const],
  ])(
    'TestIssuer logs browsers in at once, as the user that the test names, in %s mode',
    async (_, broker) => {
      const { issuer, url } = await issuerAndApp(broker);
      issuer.loginAs({
        sub: 'carol',
        roles: ['admins'],
        preferred_username: 'carol',
        email: 'c@x.org',
      });
      const callback = encodeURIComponent(`${url}/auth/v2/callback`);

      const agent = new UserAgent();
      const reply = await agent.get(`${url}/auth/v2/login?redirect_uri=${callback}`);

      expect(reply.status, reply.text()).toBe(200);
      const { access_token, refresh_token } = reply.json();
      const me = await request(`${url}/me`, { bearer: String(access_token) });
      expect(me.json()).toEqual({ sub: 'carol', roles: ['admins'] });
      const refreshed = await request(`${url}/auth/v2/token`, {
        form: { refresh_token: String(refresh_token) },
      });
      expect(refreshed.status, refreshed.text()).toBe(200);
    },
  );

  it('TestIssuer approves a device login at the second poll', async () => {
    const { url, issuer } = await issuerAndApp();
    const started = (await request(`${url}/auth/v2/device`, { form: {} })).json();
    const poll = async () => {
      issuer.moveClock(5);
      return request(`${url}/auth/v2/token`, {
        form: { device_code: String(started['device_code']) },
      });
    };

    expect((await poll()).json()['error']).toBe('authorization_pending');
    expect((await poll()).status).toBe(200);
  });
});
