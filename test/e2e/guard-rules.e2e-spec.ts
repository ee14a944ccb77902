import { APP_GUARD } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { AuthGuard } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { openLogin } from '../support/open-login.js';

describe.each(adapters)('rules of handlers on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider, controllers: [GuardedRoutes] });
  });

  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const get = (path: string, bearer: string): Promise<Reply> =>
    request(`${app.url}/${path}`, { bearer });

  it('CL-1: answers 403 and names the missing scopes in the body and all in the challenge', async () => {
    const reply = await get('scoped', provider.accessToken({ scope: 'myscope administrator' }));

    expectGuardRefusal(reply, 403, 'insufficient_scope');
    expect(reply.json()['error_description']).toMatch(/ admin$/);
    expect(reply.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_scope", .*, scope="myscope admin"$/,
    );
  });

  it('CL-1: lets a token with all scopes through', async () => {
    const reply = await get('scoped', provider.accessToken({ scope: 'admin x myscope' }));

    expect(reply.status).toBe(200);
  });

  it('CL-2: answers 403 for a role of another client and 200 for one of the realm', async () => {
    const token = provider.accessToken(); // alice: admins of the realm, superuser of other-client

    const refusal = await get('superusers', token);
    expectGuardRefusal(refusal, 403, 'insufficient_scope');
    expect(refusal.json()['error_description']).toContain('claims');
    expect((await get('admins', token)).status).toBe(200);
  });

  it('CL-2: follows the path of a constraint', async () => {
    const gold = provider.accessToken({ account: { tier: 'gold' } });
    const flat = provider.accessToken({ account: 'gold', tier: 'gold', groups: ['gold'] });

    expectGuardRefusal(await get('gold', flat), 403, 'insufficient_scope');
    expect((await get('gold', gold)).status).toBe(200);
  });

  it('CL-3: does not let members called __proto__ or constructor answer a demand', async () => {
    const claims: object = Object.fromEntries([
      ['__proto__', { account: { tier: 'gold' }, roles: ['admins'] }],
      ['constructor', { account: { tier: 'gold' } }],
      ['realm_access', undefined],
    ]);
    const token = provider.accessToken({ ...claims });

    expectGuardRefusal(await get('gold', token), 403, 'insufficient_scope');
    expectGuardRefusal(await get('admins', token), 403, 'insufficient_scope');
  });

  it('CL-4: hands out issuer and subject, which a renamed user keeps', async () => {
    const before = await get('required', provider.accessToken());
    const after = await get('required', provider.accessToken({ preferred_username: 'admin' }));

    expect(after.json()).toEqual({ iss: provider.issuer, sub: 'sub-0001-alice' });
    expect(after.json()).toEqual(before.json());
  });

  it('JV-8: refuses our own login handle, whole state and login cookie as a bearer token', async () => {
    const { handle, state, agent } = await openLogin(app, {
      redirectUri: `${app.url}/auth/v2/callback`,
    });
    const cookies = Object.values(agent.cookies(app.url));

    expect(cookies.length).toBeGreaterThan(0);
    for (const value of [handle, state.replaceAll('|', '.'), ...cookies]) {
      expectGuardRefusal(await get('required', value), 401, 'invalid_token');
    }
  });

  it('JV-8: refuses the ID token of a login', async () => {
    const token = provider.idToken({ aud: 'my-aud', nonce: 'n' });

    expectGuardRefusal(await get('required', token), 401, 'invalid_token');
  });

  it('DS-1: answers 401 to a token over 12 KiB, before any call', async () => {
    provider.clearRequests();
    const token = provider.accessToken({ filler: 'x'.repeat(9000) });
    expect(token.length).toBeGreaterThan(12 * 1024);
    expect(token.length).toBeLessThan(15 * 1024); // Node itself ends headers at 16 KiB

    expectGuardRefusal(await get('required', token), 401, 'invalid_token');
    expect(provider.requests).toEqual([]);
  });

  it('JV-10: keeps what one handler does to the claims from the next', async () => {
    const token = provider.accessToken();

    const replies = [await get('required', token), await get('required', token)];

    expect(replies.map((reply) => reply.status)).toEqual([200, 200]);
    expect(replies[0]?.text()).toBe(replies[1]?.text());
  });
});

describe.each(adapters)('the module option "claims" on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      controllers: [GuardedRoutes],
      providers: [{ provide: APP_GUARD, useExisting: AuthGuard }],
      options: { claims: { 'realm_access.roles': ['staff'] } },
    });
  });

  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CL-2: counts wherever a rule names no claims, is replaced by claims and lifted by false', async () => {
    const guest = provider.accessToken({
      realm_access: { roles: ['guest'] },
      groups: ['admins'],
      account: { tier: 'gold' },
    });
    const statuses: Record<string, number> = {};
    for (const path of ['required', 'admins', 'gold', 'lifted', 'optional', 'public']) {
      statuses[path] = (await request(`${app.url}/${path}`, { bearer: guest })).status;
    }

    expect(statuses).toEqual({
      required: 403,
      admins: 403,
      gold: 200,
      lifted: 200,
      optional: 200,
      public: 200,
    });
  });

  it('CL-6: makes who does not meet it anonymous on an optional route', async () => {
    const guest = provider.accessToken({ realm_access: { roles: ['guest'] } });

    const reply = await request(`${app.url}/optional`, { bearer: guest });

    expect(reply.json()).toMatchObject({ type: 'undefined', sub: null });
  });
});
