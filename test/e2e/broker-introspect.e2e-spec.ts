import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
  type BrokerTokens,
} from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { OR_DPOP } from '../support/offers-proofs.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { rawRequest } from '../support/raw-request.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';

describe.each(adapters)('introspection on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let caller: string;

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const started = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', introspectionScope: 'myscope', ...broker },
    });
    onTestFinished(() => started.close());
    return started;
  };
  const introspect = (token: string, bearer?: string, at = app): Promise<Reply> =>
    request(`${at.url}/auth/v2/introspect`, {
      form: { token },
      ...(bearer === undefined ? {} : { bearer }),
    });

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({
      adapter,
      provider,
      clock,
      broker: { signingAlgorithm: 'ES256', introspectionScope: 'myscope' },
    });
    caller = mintedToken(
      await exchange(app, provider.accessToken({ scope: 'myscope', exp: inAnHour() })),
    );
  });

  const inAnHour = (): number => Math.floor(clock.now().getTime() / 1000) + 3600;

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const expectInactive = async (token: string, at = app): Promise<void> => {
    const reply = await introspect(token, caller, at);
    expect([reply.status, reply.text()]).toEqual([200, '{"active":false}']);
  };

  it('tells the claims of a token of ours (RFC 7662 §2.2)', async () => {
    const { accessToken, claims } = await brokerLogin(app);

    const reply = await introspect(accessToken, caller);

    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ ...claims, active: true, token_type: 'Bearer' });
    expect(reply.headers.get('cache-control')).toBe('no-store');
  });

  it('JV-8: tells of nothing else that it is active', async () => {
    const { accessToken, refreshToken, claims } = await brokerLogin(app);
    provider.clearRequests();

    for (const token of [
      refreshToken,
      provider.accessToken(),
      provider.idToken(),
      'unknown',
      'x'.repeat(16_384),
      `${accessToken.slice(0, -4)}AAAA`,
      String(claims['jti']),
    ]) {
      await expectInactive(token);
    }
    expect(provider.requests).toEqual([]);
  });

  it('LO-2: tells of revoked and expired tokens that they are not', async () => {
    const [ended, expired]: BrokerTokens[] = [await brokerLogin(app), await brokerLogin(app)];
    await app.service.revoke(String(ended?.refreshToken));
    await expectInactive(String(ended?.accessToken));

    clock.advance(3606);
    caller = mintedToken(
      await exchange(app, provider.accessToken({ scope: 'myscope', exp: inAnHour() })),
    );

    await expectInactive(String(expired?.accessToken));
    const { access_token } = (await refresh(app, String(expired?.refreshToken))).json();
    expect((await introspect(String(access_token), caller)).json()['active']).toBe(true);
  });

  it('FD-1: tells of tokens of trusted instances, restricted as for the guard', async () => {
    const peer = await startMisbehavingProvider({ clock, audience: 'myapp-api' });
    onTestFinished(() => peer.close());
    const trusting = await start({
      broker: { trustedIssuers: [{ issuer: peer.issuer, scopes: 'openid' }] },
    });
    const { accessToken } = await brokerLogin(trusting);

    const reply = await introspect(peer.accessToken(), accessToken, trusting);

    expect(reply.json()).toMatchObject({ active: true, iss: peer.issuer, scope: 'openid' });
  });

  it('CL-1: is for callers who hold the scope, and for nobody else', async () => {
    const { accessToken } = await brokerLogin(app);
    const narrow = mintedToken(await exchange(app, provider.accessToken({ scope: 'openid' })));

    const missing = await introspect(accessToken);
    const malformed = await introspect(accessToken, 'a.b.c');
    const foreign = await introspect(accessToken, provider.accessToken());
    const lacking = await introspect(accessToken, narrow);

    for (const reply of [missing, malformed, foreign]) expectRefusal(reply, 401, 'invalid_token');
    expectRefusal(lacking, 403, 'insufficient_scope');
    expect(missing.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${app.url}/.well-known/oauth-protected-resource"${OR_DPOP}`,
    );
    expect(lacking.headers.get('www-authenticate')).toMatch(/scope="myscope"$/);
    expect(missing.text() + lacking.text()).not.toContain('alice');
  });

  it('HS-1: takes the caller from the header alone, once', async () => {
    const { accessToken } = await brokerLogin(app);
    const body = `token=${accessToken}&access_token=${caller}`;

    const inForm = await request(`${app.url}/auth/v2/introspect?access_token=${caller}`, {
      form: new URLSearchParams(body),
    });
    const twice = await rawRequest(
      app.url,
      [
        'POST /auth/v2/introspect HTTP/1.1',
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${body.length}`,
        `Authorization: Bearer ${caller}`,
        'authorization: Bearer x',
      ],
      body,
    );

    expectRefusal(inForm, 401, 'invalid_token');
    expect(twice.status).toBe(400);
  });

  it('TK-2: wants one token, in a form', async () => {
    const url = `${app.url}/auth/v2/introspect`;
    const json = { 'content-type': 'application/json' };

    for (const options of [
      { form: {} },
      { form: { token: '' } },
      { form: new URLSearchParams('token=a&token=b') },
      { body: '{"token":"a"}', headers: json },
      { form: { token: 'x'.repeat(16_385) } },
    ]) {
      expectRefusal(await request(url, { bearer: caller, ...options }), 400, 'invalid_request');
    }
    expect((await request(`${url}?token=a`, { bearer: caller })).status).toBe(404);
  });

  it('LO-2: asks no store, so that resource servers may ask often', async () => {
    const { store, calls } = countingStore();
    const other = await start({
      store,
      broker: { introspectionScope: 'myscope', revocationPollSec: 10, purgeIntervalSec: 0 },
    });
    const { accessToken } = await brokerLogin(other);
    await introspect(accessToken, accessToken, other);
    calls.length = 0;

    for (let turn = 0; turn < 5; turn += 1) await introspect(accessToken, accessToken, other);
    await introspect('unknown', accessToken, other);

    expect(calls).toEqual([]);
  });

  it('is 404 without the option, in passthrough mode, and where it is switched off', async () => {
    const unset = await startBrokerApp({ adapter, provider });
    onTestFinished(() => unset.close());
    const off = await start({ options: { routes: { introspect: false } } });
    const passthrough = await startApp({ adapter, provider });
    onTestFinished(() => passthrough.close());

    for (const other of [unset, off, passthrough]) {
      const { status } = await introspect('any-token', caller, other);
      expect(status).toBe(404);
    }
    const json = { 'content-type': 'application/json' };
    const bodies = [{ form: {} }, { body: '{}', headers: json }];
    for (const options of bodies) {
      const { status } = await request(`${passthrough.url}/auth/v2/introspect`, options);
      expect(status).toBe(404);
    }
  });
});
